package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phasor/stream"
)

// ledger is a store of positions shared by the members of a test's group. It notices a partition with two owners.
type ledger struct {
	mu     sync.Mutex
	owner  map[string]string
	next   map[string]int64
	values map[string]int
	errs   []string
	starts int
}

func newLedger() *ledger {
	return &ledger{owner: map[string]string{}, next: map[string]int64{}, values: map[string]int{}}
}

func (l *ledger) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// own folds a partition as the sketcher does: from the stored position, saving when it is taken away.
func (l *ledger) own(name string, save time.Duration) own {
	return func(ctx context.Context, p stream.Partition) error {
		key := p.ID().String()
		var next int64
		l.locked(func() {
			if other := l.owner[key]; other != "" {
				l.errs = append(l.errs, fmt.Sprintf("%s given to %s while %s has it", key, name, other))
			}
			l.owner[key] = name
			next = l.next[key]
			l.starts++
		})
		r := p.Read(next)
		defer r.Close()
		counts := map[string]int{}
		for {
			b, err := r.Read(ctx)
			if err != nil {
				time.Sleep(save)
				if cerr := p.Commit(context.Background(), next); cerr != nil && !errors.Is(err, context.Canceled) {
					err = errors.Join(err, cerr)
				}
				l.locked(func() {
					l.owner[key] = ""
					l.next[key] = next
					for v, n := range counts {
						l.values[v] += n
					}
				})
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return err
			}
			for _, rec := range b.Records {
				counts[key+"="+string(rec.Value)]++
			}
			next = b.Next
		}
	}
}

func (l *ledger) owners() (n int, by map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	by = map[string]int{}
	for _, o := range l.owner {
		if o != "" {
			n++
			by[o]++
		}
	}
	return n, by
}

func waitFor(t *testing.T, what string, f func() bool) {
	t.Helper()
	for ctx := testContext(t); !f(); {
		if sleep(ctx, 5*time.Millisecond) != nil {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func groupConfig(c *Config) {
	c.Group = "g"
	c.Session, c.Heartbeat, c.Watch = 2*time.Second, 50*time.Millisecond, 100*time.Millisecond
}

// run starts a member and returns what ends it.
func run(t *testing.T, s stream.Source, f own) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, f) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

func groupCluster(t *testing.T, partitions int32) *kfake.Cluster {
	return newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(partitions, "t"), kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
}

// Members join and leave while records come in: each partition has one owner at a time, what one saves the next
// continues, and each record is counted once.
func TestGroupHandsOver(t *testing.T) {
	c := groupCluster(t, 4)
	l := newLedger()
	produced := 0
	more := func() {
		for p := range int32(4) {
			fill(t, c, "t", p, produced, produced+50)
		}
		produced += 50
	}
	member := func(name string) func() {
		cl, _ := newClient(t, c, groupConfig)
		return run(t, cl.Group([]string{"t"}, ""), l.own(name, 20*time.Millisecond))
	}
	balanced := func(names ...string) func() bool {
		return func() bool {
			n, by := l.owners()
			ok := n == 4 && len(by) == len(names)
			for _, name := range names {
				ok = ok && by[name] == 4/len(names)
			}
			return ok
		}
	}
	more()
	stopA := member("a")
	waitFor(t, "a has all", balanced("a"))
	more()
	stopB := member("b")
	waitFor(t, "a and b have two each", balanced("a", "b"))
	more()
	stopA()
	waitFor(t, "b has all", balanced("b"))
	more()
	waitFor(t, "everything is read", func() bool {
		stopB()
		stopB = member("b")
		waitFor(t, "b has all again", balanced("b"))
		l.mu.Lock()
		defer l.mu.Unlock()
		for p := range 4 {
			if l.next[fmt.Sprintf("t/%d", p)] < int64(produced) {
				return false
			}
		}
		return true
	})
	stopB()
	offsets, err := admin(t, c).FetchOffsets(testContext(t), "g")
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(4) {
		if o, ok := offsets.Lookup("t", p); !ok || o.At != int64(produced) {
			t.Errorf("t/%d: committed %d, want %d", p, o.At, produced)
		}
		for i := range produced {
			if n := l.values[fmt.Sprintf("t/%d=v%d", p, i)]; n != 1 {
				t.Fatalf("record %d of t/%d was counted %d times", i, p, n)
			}
		}
	}
	for _, e := range l.errs {
		t.Error(e)
	}
}

func admin(t *testing.T, c *kfake.Cluster) *kadm.Client {
	k, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return kadm.NewClient(k)
}

func TestGroupEvents(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  *kerr.Error
		want string
	}{
		{"a rebalance revokes", kerr.RebalanceInProgress, "revoked"},
		{"an expelled member has lost", kerr.UnknownMemberID, "lost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := groupCluster(t, 2)
			cl, ev := newClient(t, c, groupConfig)
			l := newLedger()
			run(t, cl.Group([]string{"t"}, ""), l.own("a", 0))
			waitFor(t, "both partitions are owned", func() bool { n, _ := l.owners(); return n == 2 })
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", Err: tc.err, Count: 2})
			waitFor(t, tc.want, func() bool { return ev.saw(tc.want) })
			waitFor(t, "both are owned again", func() bool {
				n, _ := l.owners()
				l.mu.Lock()
				defer l.mu.Unlock()
				return n == 2 && l.starts >= 4
			})
		})
	}
}

// An owner that does not return in time loses its partition, and no second one starts beside it in this process.
func TestOwnerThatDoesNotReturn(t *testing.T) {
	c := groupCluster(t, 1)
	cl, ev := newClient(t, c, func(c *Config) {
		groupConfig(c)
		c.Session, c.Heartbeat = 400*time.Millisecond, 20*time.Millisecond
	})
	var mu sync.Mutex
	running, most, starts := 0, 0, 0
	hold := make(chan struct{})
	run(t, cl.Group([]string{"t"}, ""), func(ctx context.Context, p stream.Partition) error {
		mu.Lock()
		running++
		starts++
		most = max(most, running)
		first := starts == 1
		mu.Unlock()
		<-ctx.Done()
		if first {
			<-hold
		}
		mu.Lock()
		running--
		mu.Unlock()
		return ctx.Err()
	})
	started := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return starts >= n }
	}
	waitFor(t, "the first owner", started(1))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", Err: kerr.RebalanceInProgress, Count: 1})
	waitFor(t, "the loss", func() bool { return ev.saw("lost") })
	close(hold)
	waitFor(t, "the second owner", started(2))
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("%d owners at once", most)
	}
}

func TestGroupNoticesNewPartitions(t *testing.T) {
	c := groupCluster(t, 1)
	cl, _ := newClient(t, c, groupConfig)
	l := newLedger()
	run(t, cl.Group([]string{"t"}, ""), l.own("a", 0))
	waitFor(t, "the first partition", func() bool { n, _ := l.owners(); return n == 1 })
	if _, err := admin(t, c).CreatePartitions(testContext(t), 2, "t"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new partitions", func() bool { n, _ := l.owners(); return n == 3 })
}

func TestGroupWaitsForTopic(t *testing.T) {
	c := groupCluster(t, 1)
	cl, _ := newClient(t, c, groupConfig)
	l := newLedger()
	run(t, cl.Group([]string{"t", "later"}, ""), l.own("a", 0))
	time.Sleep(50 * time.Millisecond)
	if n, _ := l.owners(); n != 0 {
		t.Errorf("%d partitions owned before all topics exist", n)
	}
	if _, err := cl.CreateTopic(testContext(t), "later", 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "all partitions", func() bool { n, _ := l.owners(); return n == 3 })
}

func TestOwnErrorEndsRun(t *testing.T) {
	c := groupCluster(t, 2)
	cl, _ := newClient(t, c, groupConfig)
	boom := errors.New("boom")
	f := func(ctx context.Context, p stream.Partition) error {
		if p.ID().Partition == 1 {
			return boom
		}
		<-ctx.Done()
		return ctx.Err()
	}
	for name, s := range map[string]stream.Source{"group": cl.Group([]string{"t"}, ""), "static": cl.Static(map[string][]int{"t": nil})} {
		if err := s.Run(testContext(t), f); !errors.Is(err, boom) {
			t.Errorf("%s: Run: %v, want %v", name, err, boom)
		}
	}
}

func TestStatic(t *testing.T) {
	c := groupCluster(t, 3)
	cl, ev := newClient(t, c, groupConfig)
	l := newLedger()
	stop := run(t, cl.Static(map[string][]int{"t": {0, 2}}), l.own("some", 0))
	waitFor(t, "the named partitions", func() bool { n, _ := l.owners(); return n == 2 })
	l.locked(func() {
		if l.owner["t/1"] != "" {
			t.Error("a partition that was not named is owned")
		}
	})
	stop()
	stop = run(t, cl.Static(map[string][]int{"t": nil}), l.own("all", 0))
	waitFor(t, "all partitions", func() bool { n, _ := l.owners(); return n == 3 })
	if _, err := admin(t, c).CreatePartitions(testContext(t), 1, "t"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new partition", func() bool { n, _ := l.owners(); return n == 4 })
	stop()
	if n, _ := l.owners(); n != 0 {
		t.Errorf("%d owners after the end", n)
	}
	run(t, cl.Static(map[string][]int{"t": {7}}), l.own("none", 0))
	waitFor(t, "the complaint", func() bool { return ev.sawRetry("partition 7 cannot be read") })
	for _, e := range l.errs {
		t.Error(e)
	}
}

// A session that the brokers do not allow would be refused for ever: it ends the source, with what to set.
func TestSessionThatIsNotAllowed(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.GroupMinSessionTimeout(6*time.Second))
	cl, _ := newClient(t, c, groupConfig)
	err := cl.Group([]string{"t"}, "").Run(testContext(t), newLedger().own("a", 0))
	if err == nil || !strings.Contains(err.Error(), "kafka.session is 2s") || !strings.Contains(err.Error(), "group.min.session.timeout.ms") {
		t.Errorf("with a session of 2s where 6s is the least: %v", err)
	}
}

// Commits are advisory: a coordinator that is slow to take them, as one whose offsets topic lacks replicas is, costs no
// partition. And those of many partitions are few requests.
func TestSlowCommitsCostNoPartition(t *testing.T) {
	const partitions = 40
	c := groupCluster(t, partitions)
	var requests, inside atomic.Int32
	release := make(chan struct{})
	c.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		requests.Add(1)
		if inside.Add(1) == 1 {
			c.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	cl, ev := newClient(t, c, groupConfig)
	var starts, commits, failures atomic.Int32
	run(t, cl.Group([]string{"t"}, ""), func(ctx context.Context, p stream.Partition) error {
		starts.Add(1)
		for next := int64(1); ; next++ {
			if err := p.Commit(ctx, next); err != nil && ctx.Err() == nil {
				failures.Add(1)
			} else if err == nil {
				commits.Add(1)
			}
			if sleep(ctx, 50*time.Millisecond) != nil {
				return ctx.Err()
			}
		}
	})
	waitFor(t, "commits to be given up", func() bool { return failures.Load() > 0 || starts.Load() > partitions })
	close(release)
	begun := commits.Load()
	waitFor(t, "commits to go on", func() bool { return commits.Load() >= begun+10*partitions })
	if starts.Load() != partitions {
		t.Errorf("%d owners for %d partitions: %q", starts.Load(), partitions, ev.groups)
	}
	if n := requests.Load(); n > commits.Load()/2 {
		t.Errorf("%d requests for %d commits", n, commits.Load())
	}
}

// The leader assigns by what the coordinator knows of the topics. A coordinator that was just started may not know one
// yet, or only some of its partitions: what it left out is given out as soon as it does.
func TestGroupLeavesNoPartitionOut(t *testing.T) {
	for name, forget := range map[string]func(*kmsg.MetadataResponse){
		"topic": func(r *kmsg.MetadataResponse) {
			r.Topics[1].ErrorCode, r.Topics[1].Partitions = kerr.UnknownTopicOrPartition.Code, nil
		},
		"partition": func(r *kmsg.MetadataResponse) { r.Topics[1].Partitions = r.Topics[1].Partitions[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "t", "u"), kfake.GroupMinSessionTimeout(100*time.Millisecond),
				kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
			var forgotten atomic.Int32
			port := c.ListenAddrs()[0]
			c.ControlKey(int16(kmsg.Metadata), func(q kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				req := q.(*kmsg.MetadataRequest)
				if req.Version >= topicIDVersion || len(req.Topics) == 0 || forgotten.Add(1) > 2 {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.MetadataResponse)
				b := kmsg.NewMetadataResponseBroker()
				host, p, _ := net.SplitHostPort(port)
				n, _ := strconv.Atoi(p)
				b.NodeID, b.Host, b.Port = 0, host, int32(n)
				resp.Brokers = append(resp.Brokers, b)
				for _, topic := range []string{"t", "u"} {
					rt := kmsg.NewMetadataResponseTopic()
					rt.Topic = kmsg.StringPtr(topic)
					for i := range int32(2) {
						rp := kmsg.NewMetadataResponseTopicPartition()
						rp.Partition = i
						rt.Partitions = append(rt.Partitions, rp)
					}
					resp.Topics = append(resp.Topics, rt)
				}
				forget(resp)
				return resp, nil, true
			})
			cl, _ := newClient(t, c, groupConfig)
			l := newLedger()
			run(t, cl.Group([]string{"t", "u"}, ""), l.own("a", 0))
			waitFor(t, "all partitions", func() bool { n, _ := l.owners(); return n == 4 })
			if forgotten.Load() < 3 {
				t.Errorf("the coordinator was asked %d times", forgotten.Load())
			}
		})
	}
}
