//go:build realkafka

package kafka

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream"
	"phasor/stream/kafka/kafkatest"
)

// TestRealKafka runs everything that needs no other cluster than one node against one node.
func TestRealKafka(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Secure: true, Settings: map[string]string{
		"group.min.session.timeout.ms": "500", "log.cleaner.backoff.ms": "200", "log.initial.task.delay.ms": "0"}})
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *kafkatest.Cluster)
	}{
		{"static", testStatic},
		{"group", testGroup},
		{"expansion", testExpansion},
		{"codecs", testCodecs},
		{"security", testSecurity},
		{"wrong password", testWrongPassword},
		{"transactions", testTransactions},
		{"open transaction", testOpenTransaction},
		{"compaction", testCompaction},
		{"recreated", testRecreated},
		{"retention", testRetention},
		{"truncation", testTruncation},
		{"restart", testRestart},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, c) })
	}
}

func realContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually is waitFor with the patience that a process of its own needs.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for ctx := realContext(t); !f(); {
		if sleep(ctx, 20*time.Millisecond) != nil {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func realClient(t testing.TB, c *kafkatest.Cluster, change func(*Config)) *Client {
	t.Helper()
	cfg := Config{Brokers: c.Addrs(), Fetch: Fetch{MaxWait: 100 * time.Millisecond}}
	if change != nil {
		change(&cfg)
	}
	cl, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

func realMember(c *Config) {
	c.Session, c.Heartbeat, c.Watch = 4*time.Second, 200*time.Millisecond, 200*time.Millisecond
}

func createTopic(t testing.TB, c *kafkatest.Cluster, name string, partitions int, settings map[string]string) Topic {
	t.Helper()
	topic, err := realClient(t, c, nil).CreateTopic(realContext(t), name, partitions, 1, settings)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

// franz returns a client that shares no code with ours.
func franz(t testing.TB, c *kafkatest.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	k, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func realAdmin(t testing.TB, c *kafkatest.Cluster) *kadm.Client { return kadm.NewClient(franz(t, c)) }

// franzWrite writes messages to their partitions.
func franzWrite(t testing.TB, k *kgo.Client, topic string, messages ...Message) {
	t.Helper()
	var recs []*kgo.Record
	for _, m := range messages {
		recs = append(recs, &kgo.Record{Topic: topic, Partition: int32(m.Partition), Key: m.Key, Value: m.Value, Timestamp: time.UnixMilli(m.Time)})
	}
	if err := k.ProduceSync(realContext(t), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// franzRead reads partition p from its start up to offset end, with each record's attributes.
func franzRead(t testing.TB, c *kafkatest.Cluster, topic string, p int, end int64, opts ...kgo.Opt) (records []stream.Record, attrs []kgo.RecordAttrs) {
	t.Helper()
	if end == 0 {
		return nil, nil
	}
	k := franz(t, c, append([]kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {int32(p): kgo.NewOffset().AtStart()}}),
		kgo.KeepControlRecords()}, opts...)...)
	for next := int64(0); next < end; {
		f := k.PollFetches(realContext(t))
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		f.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() && r.Offset < end {
				records = append(records, stream.Record{Offset: r.Offset, Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
				attrs = append(attrs, r.Attrs)
			}
		})
	}
	return records, attrs
}

// readAll reads a partition from an offset to the end it has now.
func readAll(t testing.TB, p *partition, next int64) (records []stream.Record) {
	t.Helper()
	ctx := realContext(t)
	_, end, err := p.Range(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Read(next)
	defer r.Close()
	for next < end {
		b, err := r.Read(ctx)
		if err != nil {
			t.Fatalf("%s at %d: %v", p.id, next, err)
		}
		for i := range b.Records {
			if rec := &b.Records[i]; rec.Offset < next || rec.Offset >= b.Next {
				t.Fatalf("%s: record %d in a batch from %d to %d", p.id, rec.Offset, next, b.Next)
			}
			records = append(records, b.Records[i].Clone())
		}
		next = b.Next
	}
	return records
}

func sameRecord(a, b stream.Record) bool {
	return a.Offset == b.Offset && a.Time == b.Time && string(a.Key) == string(b.Key) && (a.Key == nil) == (b.Key == nil) &&
		string(a.Value) == string(b.Value) && (a.Value == nil) == (b.Value == nil)
}

func wantRecords(t testing.TB, what string, got, want []stream.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !sameRecord(got[i], want[i]) {
			t.Fatalf("%s: record %d is %d @%d %.40q=%.40q, want %d @%d %.40q=%.40q", what, i,
				got[i].Offset, got[i].Time, got[i].Key, got[i].Value, want[i].Offset, want[i].Time, want[i].Key, want[i].Value)
		}
	}
}

// randomMessages are n messages for the partitions from 0 on, with all that a key and a value can be.
func randomMessages(rng *rand.Rand, n, partitions int) []Message {
	some := func() []byte {
		switch rng.IntN(10) {
		case 0:
			return nil
		case 1:
			return []byte{}
		case 2:
			return bytes.Repeat([]byte("0123456789"), rng.IntN(1000))
		case 3: // Does not compress.
			b := make([]byte, rng.IntN(1000))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return b
		}
		return fmt.Appendf(nil, `{"a": %d, "b": %g}`, rng.IntN(100), rng.NormFloat64())
	}
	m := make([]Message, n)
	for i := range m {
		m[i] = Message{Key: some(), Value: some(), Time: testTime + int64(rng.IntN(1e6)), Partition: rng.IntN(partitions)}
	}
	return m
}

// inLog are the records that messages make of one partition of a topic that was empty.
func inLog(messages []Message, p int) (records []stream.Record) {
	for _, m := range messages {
		if m.Partition == p {
			records = append(records, stream.Record{Offset: int64(len(records)), Time: m.Time, Key: m.Key, Value: m.Value})
		}
	}
	return records
}

func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// A source of fixed partitions reads what our producer wrote: each record once, in order, with time, key and value.
func testStatic(t *testing.T, c *kafkatest.Cluster) {
	const partitions = 3
	createTopic(t, c, "static", partitions, nil)
	messages := randomMessages(newRand(t), 3000, partitions)
	cl := realClient(t, c, nil)
	if err := cl.Produce(realContext(t), "static", messages...); err != nil {
		t.Fatal(err)
	}
	type got struct {
		p       int
		records []stream.Record
	}
	results := make(chan got, partitions)
	run(t, cl.Static(map[string][]int{"static": nil}), func(ctx context.Context, p stream.Partition) error {
		results <- got{p.ID().Partition, readAll(t, p.(*partition), 0)}
		<-ctx.Done()
		return ctx.Err()
	})
	var all []got
	for range partitions {
		select {
		case g := <-results:
			all = append(all, g)
		case <-realContext(t).Done():
			t.Fatal("not every partition was handed out")
		}
	}
	slices.SortFunc(all, func(a, b got) int { return cmp.Compare(a.p, b.p) })
	for p, g := range all {
		if g.p != p {
			t.Fatalf("partition %d was handed out in place of %d", g.p, p)
		}
		wantRecords(t, fmt.Sprint("static/", p), g.records, inLog(messages, p))
		theirs, _ := franzRead(t, c, "static", p, int64(len(g.records)))
		wantRecords(t, fmt.Sprint("static/", p, " as franz-go reads it"), g.records, theirs)
	}
}

// Every codec, as kafka-go and as franz-go write it.
func testCodecs(t *testing.T, c *kafkatest.Cluster) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	rng := newRand(t)
	for number, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, writer := range []string{"kafka-go", "franz-go"} {
			t.Run(codec+" by "+writer, func(t *testing.T) {
				topic := "codec." + codec + "." + writer
				createTopic(t, c, topic, 1, nil)
				messages := randomMessages(rng, 1500, 1)
				cl := realClient(t, c, nil)
				if writer == "kafka-go" {
					p, err := cl.Producer(realContext(t), topic, ProducerConfig{Compression: codec, BatchRecords: 400})
					if err == nil {
						err = p.Send(realContext(t), messages...)
					}
					if err == nil {
						err = p.Flush(realContext(t))
					}
					if err != nil {
						t.Fatal(err)
					}
				} else {
					franzWrite(t, franz(t, c, kgo.ProducerBatchCompression(codecs[codec])), topic, messages...)
				}
				wantRecords(t, topic, readAll(t, open(t, cl, topic, 0), 0), inLog(messages, 0))
				_, attrs := franzRead(t, c, topic, 0, int64(len(messages)))
				if !slices.ContainsFunc(attrs, func(a kgo.RecordAttrs) bool { return int(a.CompressionType()) == number }) {
					t.Errorf("no batch of the log is compressed with %s: the test shows nothing", codec)
				}
			})
		}
	}
}
