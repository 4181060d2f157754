package kafka

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phasor/stream"
)

func wantAll(t *testing.T, got []int64, n int) {
	t.Helper()
	want := make([]int64, n)
	for i := range want {
		want[i] = int64(i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("read %v, want 0 to %d", got, n-1)
	}
}

func TestPassingErrorsAreRetried(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition,
		kerr.FencedLeaderEpoch, kerr.KafkaStorageError, kerr.UnknownServerError, kerr.TopicAuthorizationFailed} {
		t.Run(e.Message, func(t *testing.T) {
			c := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(1, "t"))
			fill(t, c, "t", 0, 0, 20)
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: e, Count: 2})
			cl, ev := newClient(t, c, nil)
			r := open(t, cl, "t", 0).Read(0)
			defer r.Close()
			got, err := readTo(t, r, 0, 20)
			if err != nil {
				t.Fatal(err)
			}
			wantAll(t, got, 20)
			if h.Hits() != 2 || len(ev.told()) < 2 {
				t.Errorf("%d faults, told of %q", h.Hits(), ev.told())
			}
		})
	}
}

func TestLeaderMoves(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(1, "t"))
	cl, _ := newClient(t, c, nil)
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	var got []int64
	for i := range 6 {
		fill(t, c, "t", 0, 10*i, 10*i+10)
		part, err := readTo(t, r, int64(10*i), int64(10*i+10))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part...)
		if err := c.MoveTopicPartition("t", 0, (c.LeaderFor("t", 0)+1)%3); err != nil {
			t.Fatal(err)
		}
	}
	wantAll(t, got, 60)
}

func TestConnectionsAreCut(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	fill(t, c, "t", 0, 0, 20)
	var n atomic.Int32
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if n.Add(1) <= 4 {
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	cl, ev := newClient(t, c, nil)
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	got, err := readTo(t, r, 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, got, 20)
	if !ev.sawRetry("EOF") {
		t.Errorf("the cuts were not told: %q", ev.told())
	}
}

// The first answer comes long after the client has stopped waiting for it.
func TestBrokerHangs(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.SleepOutOfOrder())
	fill(t, c, "t", 0, 0, 20)
	var n atomic.Int32
	release := make(chan struct{})
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if n.Add(1) == 1 {
			c.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	cl, ev := newClient(t, c, func(c *Config) { c.RequestTimeout = 300 * time.Millisecond })
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	got, err := readTo(t, r, 0, 20)
	close(release)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, got, 20)
	if len(ev.told()) == 0 {
		t.Error("the hang was not told")
	}
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range open {
					c.Close()
				}
				return
			}
			open = append(open, c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestSilentBrokerAmongOthers(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	fill(t, c, "t", 0, 0, 20)
	cl, _ := newClient(t, c, func(cfg *Config) {
		cfg.Brokers = append(cfg.Brokers, silent(t))
		cfg.DialTimeout, cfg.RequestTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	p := &partition{c: cl, id: stream.PartitionID{Topic: "t", TopicID: stream.NoTopicID}}
	r := p.Read(0)
	defer r.Close()
	got, err := readTo(t, r, 0, 20)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, got, 20)
}

func TestPositionOutsideTheLog(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	fill(t, c, "t", 0, 0, 20)
	if err := c.DeleteRecords("t", 0, 8); err != nil {
		t.Fatal(err)
	}
	cl, _ := newClient(t, c, nil)
	p := open(t, cl, "t", 0)
	start, end, err := p.Range(testContext(t))
	if err != nil || start != 8 || end != 20 {
		t.Fatalf("Range %d to %d, %v; want 8 to 20", start, end, err)
	}
	for offset, want := range map[int64]error{3: stream.ErrRetention, 25: stream.ErrTruncated} {
		r := p.Read(offset)
		_, err := r.Read(testContext(t))
		r.Close()
		var pos *stream.PositionError
		if !errors.Is(err, want) || !errors.As(err, &pos) || pos.Offset != offset || pos.Start != 8 || pos.End != 20 {
			t.Errorf("reading from %d: %v, want %v", offset, err, want)
		}
	}
	for offset, want := range map[int64]bool{3: false, 7: false, 8: true, 19: true, 20: false, 30: false} {
		rec, ok, err := p.At(testContext(t), offset)
		if err != nil || ok != want || ok && rec.Offset != offset {
			t.Errorf("At(%d): %v, %v, %v; want %v", offset, rec.Offset, ok, err, want)
		}
	}
}

func TestTopicRecreated(t *testing.T) {
	for name, refill := range map[string]int{"shorter": 5, "longer": 40} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
			fill(t, c, "t", 0, 0, 20)
			cl, _ := newClient(t, c, func(c *Config) { c.Watch = 100 * time.Millisecond })
			p := open(t, cl, "t", 0)
			r := p.Read(0)
			defer r.Close()
			if _, err := readTo(t, r, 0, 20); err != nil {
				t.Fatal(err)
			}
			ctx := testContext(t)
			if err := cl.DeleteTopic(ctx, "t"); err != nil {
				t.Fatal(err)
			}
			if _, err := cl.CreateTopic(ctx, "t", 1, 1, nil); err != nil {
				t.Fatal(err)
			}
			fill(t, c, "t", 0, 0, refill)
			var err error
			for err == nil {
				_, err = r.Read(ctx)
			}
			if !errors.Is(err, stream.ErrRecreated) {
				t.Errorf("reading on: %v, want %v", err, stream.ErrRecreated)
			}
			if _, _, err := p.Range(ctx); !errors.Is(err, stream.ErrRecreated) {
				t.Errorf("Range: %v, want %v", err, stream.ErrRecreated)
			}
		})
	}
}

// A topic that is created anew while a fetch is under way, and has records beyond the position by the time that it is
// answered: not one of them is taken for a record of the former topic, although nothing failed in between.
func TestTopicRecreatedUnderAFetch(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.SleepOutOfOrder())
	fill(t, c, "t", 0, 0, 20)
	cl, _ := newClient(t, c, func(c *Config) { c.Watch = time.Hour; c.RequestTimeout = time.Minute })
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	if _, err := readTo(t, r, 0, 20); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	c.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(held)
		c.SleepControl(func() { <-release })
		c.DropControl()
		return nil, nil, false
	})
	<-held
	ctx := testContext(t)
	cl2, _ := newClient(t, c, nil) // What the first one knows of the topic stays as it is.
	if err := cl2.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := cl2.CreateTopic(ctx, "t", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "t", 0, 0, 40)
	close(release)
	for {
		b, err := r.Read(ctx)
		if len(b.Records) > 0 {
			t.Fatalf("record %d of the new topic was read", b.Records[0].Offset)
		}
		if err != nil {
			if !errors.Is(err, stream.ErrRecreated) {
				t.Errorf("reading on: %v, want %v", err, stream.ErrRecreated)
			}
			return
		}
	}
}

// A broker that has records and does not give them is reported and connected anew, and so is one that does not answer at
// all.
func TestStall(t *testing.T) {
	t.Run("nothing given", func(t *testing.T) {
		l := &rawLog{high: 100}
		cl, ev := newClient(t, l.serve(t), func(c *Config) { c.Stall = 50 * time.Millisecond; c.Fetch.MaxWait = time.Millisecond })
		var dials atomic.Int32
		cl.transport.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return cl.conns.dial(ctx, network, address)
		}
		r := open(t, cl, "t", 0).Read(10)
		defer r.Close()
		for ctx := testContext(t); ev.stalled() < 2; {
			if _, err := r.Read(ctx); err != nil {
				t.Fatal(err)
			}
		}
		// One connection looks brokers up, and one fetches: both are made anew.
		for ctx, before := testContext(t), dials.Load(); dials.Load() < before+2; {
			if _, err := r.Read(ctx); err != nil {
				t.Fatalf("after %d stalls, %d connections were made: %v", ev.stalled(), dials.Load(), err)
			}
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		l := &rawLog{high: 10}
		cl, ev := newClient(t, l.serve(t), func(c *Config) { c.Stall = 20 * time.Millisecond; c.Fetch.MaxWait = time.Millisecond })
		r := open(t, cl, "t", 0).Read(10)
		defer r.Close()
		for range 200 {
			if _, err := r.Read(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		if n := ev.stalled(); n > 0 {
			t.Errorf("%d stalls reported for a partition that is read to its end", n)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		ev := new(events)
		cl, err := New(Config{Brokers: []string{silent(t)}, Hooks: ev.hooks(), Stall: 100 * time.Millisecond,
			DialTimeout: 50 * time.Millisecond, RequestTimeout: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		r := (&partition{c: cl, id: stream.PartitionID{Topic: "t"}}).Read(0)
		defer r.Close()
		for ctx := testContext(t); ev.stalled() == 0; {
			if err := sleep(ctx, 5*time.Millisecond); err != nil {
				t.Fatal("no stall was reported")
			}
		}
	})
}

func TestRangeEndsWithItsContext(t *testing.T) {
	cl, err := New(Config{Brokers: []string{silent(t)}, DialTimeout: 50 * time.Millisecond, RequestTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := (&partition{c: cl, id: stream.PartitionID{Topic: "t"}}).Range(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Range of a silent broker: %v", err)
	}
}
