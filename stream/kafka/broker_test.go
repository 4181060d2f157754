package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream"
)

// realBroker returns a client of the cluster that the environment names:
//
//	PHASOR_KAFKA_BROKERS=127.0.0.1:9092 go test ./stream/kafka -run RealBroker
//
// PHASOR_KAFKA_CA, PHASOR_KAFKA_USER and PHASOR_KAFKA_PASSWORD make it speak SCRAM-SHA-512 over TLS.
func realBroker(t *testing.T) *Client {
	brokers := os.Getenv("PHASOR_KAFKA_BROKERS")
	if brokers == "" {
		t.Skip("PHASOR_KAFKA_BROKERS names no cluster to test with")
	}
	c := Config{Brokers: strings.Split(brokers, ","), Session: 6 * time.Second, Heartbeat: 200 * time.Millisecond, Watch: 500 * time.Millisecond}
	if ca := os.Getenv("PHASOR_KAFKA_CA"); ca != "" {
		c.TLS = &TLS{CA: ca}
		c.SASL = &SASL{Mechanism: "scram-sha-512", User: os.Getenv("PHASOR_KAFKA_USER")}
	}
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

func TestRealBroker(t *testing.T) {
	cl := realBroker(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	name := fmt.Sprintf("phasor-test-%d", time.Now().UnixNano())
	topic, err := cl.CreateTopic(ctx, name, 2, 1, nil)
	if err != nil || !known(topic.ID) {
		t.Fatalf("created %+v, %v", topic, err)
	}
	defer cl.DeleteTopic(context.Background(), name)
	if err := cl.Check(ctx, name); err != nil {
		t.Fatal(err)
	}
	const each = 1000
	n := 0
	for _, codec := range codecNames {
		p, err := cl.Producer(ctx, name, ProducerConfig{Compression: codec})
		if err != nil {
			t.Fatal(err)
		}
		for range each {
			for part := range 2 {
				if err := p.Send(ctx, Message{Key: []byte("k"), Value: fmt.Appendf(nil, "v%d", n), Partition: part, Time: stream.NoTime}); err != nil {
					t.Fatal(err)
				}
			}
			n++
		}
		if err := p.Flush(ctx); err != nil {
			t.Fatalf("%s: %v", codec, err)
		}
	}
	p := &partition{c: cl, id: stream.PartitionID{Topic: name, TopicID: topic.ID, Partition: 1}}
	start, end, err := p.Range(ctx)
	if err != nil || start != 0 || end != int64(n) {
		t.Fatalf("Range %d to %d, %v; want 0 to %d", start, end, err, n)
	}
	r := p.Read(0)
	got, err := readTo(t, r, 0, end)
	r.Close()
	if err != nil || len(got) != n {
		t.Fatalf("read %d records of %d, %v", len(got), n, err)
	}
	if rec, ok, err := p.At(ctx, 1234); err != nil || !ok || string(rec.Value) != "v1234" {
		t.Errorf("At(1234): %q, %v, %v", rec.Value, ok, err)
	}
	r = p.Read(end + 5)
	if _, err := r.Read(ctx); !errors.Is(err, stream.ErrTruncated) {
		t.Errorf("beyond the end: %v", err)
	}
	r.Close()
	realGroup(t, cl, name, n)
	if err := cl.DeleteTopic(ctx, name); err != nil {
		t.Fatal(err)
	}
	again, err := cl.CreateTopic(ctx, name, 2, 1, nil)
	if err != nil || again.ID == topic.ID {
		t.Fatalf("created anew %+v, %v", again, err)
	}
	if _, _, err := p.Range(ctx); !errors.Is(err, stream.ErrRecreated) {
		t.Errorf("Range of the topic that was: %v", err)
	}
}

// realGroup has two members share the topic, and one take all over.
func realGroup(t *testing.T, cl *Client, name string, n int) {
	l := newLedger()
	stopA := run(t, cl.Group([]string{name}, name), l.own("a", 0))
	waitFor(t, "a has both", func() bool { _, by := l.owners(); return by["a"] == 2 })
	stopB := run(t, cl.Group([]string{name}, name), l.own("b", 0))
	waitFor(t, "each has one", func() bool { _, by := l.owners(); return by["a"] == 1 && by["b"] == 1 })
	stopA()
	waitFor(t, "b has both", func() bool { _, by := l.owners(); return by["b"] == 2 })
	time.Sleep(time.Second)
	stopB()
	for p := range 2 {
		if next := l.next[fmt.Sprintf("%s/%d", name, p)]; next != int64(n) {
			t.Errorf("partition %d was read to %d of %d", p, next, n)
		}
		for i := range n {
			if c := l.values[fmt.Sprintf("%s/%d=v%d", name, p, i)]; c != 1 {
				t.Fatalf("record %d of partition %d was counted %d times", i, p, c)
			}
		}
	}
	for _, e := range l.errs {
		t.Error(e)
	}
}

func TestRealBrokerTransactions(t *testing.T) {
	cl := realBroker(t)
	if cl.cfg.SASL != nil {
		t.Skip("the transactions are written over the plain listener only")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := fmt.Sprintf("phasor-test-%d", time.Now().UnixNano())
	topic, err := cl.CreateTopic(ctx, name, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.DeleteTopic(context.Background(), name)
	k, err := kgo.NewClient(kgo.SeedBrokers(cl.cfg.Brokers...), kgo.TransactionalID(name), kgo.DefaultProduceTopic(name))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var want, got []string
	for i := range 6 {
		if err := k.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		v := fmt.Sprint(i)
		if err := k.ProduceSync(ctx, kgo.StringRecord(v), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			want = append(want, v, v)
		}
		if err := k.EndTransaction(ctx, kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	p := &partition{c: cl, id: stream.PartitionID{Topic: name, TopicID: topic.ID}}
	r := p.Read(0)
	defer r.Close()
	for next := int64(0); next < 18; {
		b, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range b.Records {
			got = append(got, string(rec.Value))
		}
		next = b.Next
	}
	if strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("read %v, want %v", got, want)
	}
}
