package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phasor/stream"
)

func TestTopics(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(3))
	cl, _ := newClient(t, c, nil)
	ctx := testContext(t)
	if _, err := cl.Topic(ctx, "t"); !errors.Is(err, ErrNoTopic) {
		t.Errorf("absent topic: %v", err)
	}
	first, err := cl.CreateTopic(ctx, "t", 3, 1, map[string]string{"retention.ms": "1000"})
	if err != nil || first.Partitions != 3 {
		t.Fatalf("created %+v, %v", first, err)
	}
	again, err := cl.CreateTopic(ctx, "t", 5, 0, nil)
	if err != nil || again != first {
		t.Errorf("created again: %+v, %v; want %+v", again, err, first)
	}
	for range 2 {
		if err := cl.DeleteTopic(ctx, "t"); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	if _, err := cl.Topic(ctx, "t"); !errors.Is(err, ErrNoTopic) {
		t.Errorf("deleted topic: %v", err)
	}
	second, err := cl.CreateTopic(ctx, "t", 1, 1, nil)
	if err != nil || second.ID == first.ID {
		t.Errorf("created anew: %+v, %v; the first had the same id", second, err)
	}
	if _, err := cl.CreateTopic(ctx, "u", 0, 1, nil); err == nil {
		t.Error("a topic without partitions was created")
	}
}

func TestProduce(t *testing.T) {
	for _, codec := range append(codecNames[:], "") {
		c := newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(3, "t"))
		cl, _ := newClient(t, c, nil)
		ctx := testContext(t)
		p, err := cl.Producer(ctx, "t", ProducerConfig{Compression: codec, BatchBytes: 5000})
		if err != nil {
			t.Fatal(err)
		}
		const n = 300
		for i := range n {
			m := Message{Value: bytes.Repeat([]byte{byte(i)}, i), Time: testTime + int64(i), Partition: AnyPartition}
			switch i % 3 {
			case 0:
				m.Key = fmt.Appendf(nil, "key %d", i%7)
			case 1:
				m.Partition = 2
				m.Headers = []Header{{"h", []byte("x")}}
			}
			if i == 4 {
				m.Value = nil
			}
			if err := p.Send(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		seen := map[int64]int{}
		keys := map[string]int{}
		for part := range 3 {
			ep := open(t, cl, "t", part)
			_, end, err := ep.Range(ctx)
			if err != nil {
				t.Fatal(err)
			}
			r := ep.Read(0)
			for next := int64(0); next < end; {
				b, err := r.Read(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, rec := range b.Records {
					i := rec.Time - testTime
					seen[i]++
					switch {
					case i == 4 && rec.Value != nil, i != 4 && !bytes.Equal(rec.Value, bytes.Repeat([]byte{byte(i)}, int(i))):
						t.Fatalf("%s: record %d has another value", codec, i)
					case i%3 == 0:
						if at, ok := keys[string(rec.Key)]; ok && at != part {
							t.Fatalf("%s: key %q is in partitions %d and %d", codec, rec.Key, at, part)
						}
						keys[string(rec.Key)] = part
					case rec.Key != nil, i%3 == 1 && part != 2:
						t.Fatalf("%s: record %d has key %q in partition %d", codec, i, rec.Key, part)
					}
				}
				next = b.Next
			}
			r.Close()
		}
		for i := range int64(n) {
			if seen[i] != 1 {
				t.Fatalf("%s: record %d is there %d times", codec, i, seen[i])
			}
		}
	}
}

// franz-go puts a key where we put it, and reads our headers.
func TestProduceLikeOthers(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(7, "t"))
	cl, _ := newClient(t, c, nil)
	ctx := testContext(t)
	for i := range 30 {
		if err := cl.Produce(ctx, "t", Message{Key: fmt.Appendf(nil, "key %d", i), Partition: AnyPartition, Time: stream.NoTime, Headers: []Header{{"from", []byte("here")}}}); err != nil {
			t.Fatal(err)
		}
	}
	k, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	part := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	for n := 0; n < 30; {
		f := k.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatal(f.Err())
		}
		f.EachRecord(func(r *kgo.Record) {
			n++
			if want := part.Partition(r, 7); int(r.Partition) != want {
				t.Errorf("%q is in partition %d, franz-go puts it into %d", r.Key, r.Partition, want)
			}
			if len(r.Headers) != 1 || r.Headers[0].Key != "from" || string(r.Headers[0].Value) != "here" {
				t.Errorf("headers %v", r.Headers)
			}
			if d := time.Since(r.Timestamp); d < 0 || d > time.Minute {
				t.Errorf("stamped %v ago", d)
			}
		})
	}
}

func TestProduceErrors(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "t"))
	cl, ev := newClient(t, c, nil)
	ctx := testContext(t)
	m := Message{Value: []byte("v0"), Key: []byte("k")}
	if err := cl.Produce(ctx, "absent", m); !errors.Is(err, ErrNoTopic) {
		t.Errorf("absent topic: %v", err)
	}
	if err := cl.Produce(ctx, "t", Message{Partition: 1}); err == nil {
		t.Error("a partition that is not there was written to")
	}
	if _, err := cl.Producer(ctx, "t", ProducerConfig{Compression: "rar"}); err == nil {
		t.Error("an unknown compression was accepted")
	}
	if _, err := cl.Producer(ctx, "t", ProducerConfig{Acks: "none"}); err == nil {
		t.Error("unknown acks were accepted")
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotLeaderForPartition, Count: 2})
	if err := cl.Produce(ctx, "t", m); err != nil {
		t.Errorf("a leader that moves: %v", err)
	}
	if len(ev.told()) != 2 {
		t.Errorf("told of %q, want 2 retries", ev.told())
	}
	for e, want := range map[*kerr.Error]error{kerr.MessageTooLarge: kafka.MessageSizeTooLarge, kerr.TopicAuthorizationFailed: ErrAuthorization} {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: e})
		if err := cl.Produce(ctx, "t", m); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", e.Message, err, want)
		}
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotLeaderForPartition, Count: -1})
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := cl.Produce(short, "t", m); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
}
