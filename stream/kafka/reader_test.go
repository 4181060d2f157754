package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"phasor/stream"
)

func TestReadHoles(t *testing.T) {
	for _, tc := range []struct {
		name    string
		batches []rawBatch
		want    []int64
	}{
		{"empty in the middle", []rawBatch{{base: 0, span: 3, deltas: deltas(3)}, {base: 3, span: 5}, {base: 8, span: 2, deltas: deltas(2)}}, []int64{0, 1, 2, 8, 9}},
		{"two empties in the middle", []rawBatch{{base: 0, span: 3, deltas: deltas(3)}, {base: 3, span: 2}, {base: 5, span: 3}, {base: 8, span: 2, deltas: deltas(2)}}, []int64{0, 1, 2, 8, 9}},
		{"empty first", []rawBatch{{base: 0, span: 5}, {base: 5, span: 2, deltas: deltas(2)}}, []int64{5, 6}},
		{"empty last", []rawBatch{{base: 0, span: 3, deltas: deltas(3)}, {base: 3, span: 5}}, []int64{0, 1, 2}},
		{"tails compacted", []rawBatch{{base: 0, span: 10, deltas: []int{0, 2}}, {base: 10, span: 10, deltas: []int{1, 4}}, {base: 20, span: 2, deltas: deltas(2)}}, []int64{0, 2, 11, 14, 20, 21}},
		{"tail compacted, last", []rawBatch{{base: 0, span: 10, deltas: []int{0, 2}}}, []int64{0, 2}},
		{"only an empty one", []rawBatch{{base: 0, span: 4}}, nil},
		{"a gap between batches", []rawBatch{{base: 0, span: 2, deltas: deltas(2)}, {base: 7, span: 2, deltas: deltas(2)}}, []int64{0, 1, 7, 8}},
		{"control batches", []rawBatch{{base: 0, span: 2, deltas: deltas(2)}, marker(2, 9, true), {base: 3, span: 1, deltas: deltas(1)}, marker(4, 9, false)}, []int64{0, 1, 3}},
	} {
		for codec := range codecNames {
			for _, per := range []int{100, 1} {
				t.Run(fmt.Sprintf("%s/%s/%d", tc.name, codecNames[codec], per), func(t *testing.T) {
					l := &rawLog{perResponse: per}
					for _, b := range tc.batches {
						if b.attrs&controlBatch == 0 {
							b.codec = codec
						}
						l.batches = append(l.batches, b.bytes())
					}
					cl, _ := newClient(t, l.serve(t), nil)
					r := open(t, cl, "t", 0).Read(0)
					defer r.Close()
					got, err := readTo(t, r, 0, l.end())
					if err != nil || !slices.Equal(got, tc.want) {
						t.Fatalf("read %v, %v; want %v", got, err, tc.want)
					}
				})
			}
		}
	}
}

func TestReadFromTheMiddleOfABatch(t *testing.T) {
	l := &rawLog{perResponse: 1, batches: [][]byte{rawBatch{base: 0, span: 10, deltas: deltas(10), codec: codecZstd}.bytes()}}
	cl, _ := newClient(t, l.serve(t), nil)
	r := open(t, cl, "t", 0).Read(7)
	defer r.Close()
	got, err := readTo(t, r, 7, 10)
	if want := []int64{7, 8, 9}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("read %v, %v; want %v", got, err, want)
	}
	b, err := r.Read(testContext(t))
	if err != nil || len(b.Records) != 0 || b.Next != 10 || b.HighWatermark != 10 {
		t.Fatalf("at the end: %+v, %v; want an empty batch", b, err)
	}
}

func TestAbortedTransactions(t *testing.T) {
	batches := []rawBatch{
		{base: 0, span: 2, deltas: deltas(2), attrs: transactional, pid: 1}, // Aborted at 4.
		{base: 2, span: 2, deltas: deltas(2), attrs: transactional, pid: 2}, // Committed at 7.
		marker(4, 1, false),
		{base: 5, span: 2, deltas: deltas(2), attrs: transactional, pid: 1}, // Committed at 8.
		marker(7, 2, true),
		marker(8, 1, true),
		{base: 9, span: 1, deltas: deltas(1)},
	}
	l := &rawLog{perResponse: 100, aborted: []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 1, FirstOffset: 0}}}
	for _, b := range batches {
		l.batches = append(l.batches, b.bytes())
	}
	c := l.serve(t)
	for isolation, want := range map[string][]int64{
		readCommitted:   {2, 3, 5, 6, 9},
		readUncommitted: {0, 1, 2, 3, 5, 6, 9},
	} {
		cl, _ := newClient(t, c, func(c *Config) { c.Isolation = isolation })
		r := open(t, cl, "t", 0).Read(0)
		got, err := readTo(t, r, 0, 10)
		r.Close()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: read %v, %v; want %v", isolation, got, err, want)
		}
	}
}

// A producer's transactions on a broker that keeps them itself: the reader agrees with franz-go's.
func TestTransactionsOnBroker(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	ctx := testContext(t)
	k, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("x"), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var want []string
	for i := range 6 {
		if err := k.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			v := fmt.Sprintf("%d-%d", i, j)
			if err := k.ProduceSync(ctx, kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				want = append(want, v)
			}
		}
		if err := k.EndTransaction(ctx, kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int{1 << 10, 1 << 20} { // The log in several responses, and in one.
		cl, _ := newClient(t, c, func(c *Config) { c.Fetch.MaxBytes = size })
		p := open(t, cl, "t", 0)
		_, end, err := p.Range(ctx)
		if err != nil || end != 24 {
			t.Fatalf("end %d, %v; want 24: 18 records and 6 markers", end, err)
		}
		r := p.Read(0)
		defer r.Close()
		var got []string
		for next := int64(0); next < end; {
			b, err := r.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				got = append(got, string(rec.Value))
			}
			next = b.Next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("responses of %d bytes: read %v, want %v", size, got, want)
		}
		if _, ok, err := p.At(ctx, 4); ok || err != nil {
			t.Errorf("an aborted record is there: %v, %v", ok, err)
		}
		if rec, ok, err := p.At(ctx, 8); !ok || err != nil || string(rec.Value) != "2-0" {
			t.Errorf("record 8 is %q, %v, %v; want 2-0", rec.Value, ok, err)
		}
	}
}

func TestCorruptBatch(t *testing.T) {
	good := func(base int64) []byte { return rawBatch{base: base, span: 3, deltas: deltas(3)}.bytes() }
	flipped := good(3)
	flipped[len(flipped)-4] ^= 1
	old := good(3)
	old[16] = 1
	for _, tc := range []struct {
		name   string
		batch  []byte
		reason string
	}{
		{"checksum", flipped, "checksum"},
		{"old format", old, "record format 1"},
		{"codec", rawBatch{base: 3, span: 3, codec: 7, count: 3, raw: []byte("xxx")}.bytes(), "codec 7"},
		{"gzip", rawBatch{base: 3, span: 3, codec: codecGzip, count: 3, raw: []byte("xxx")}.bytes(), "gzip"},
		{"snappy", rawBatch{base: 3, span: 3, codec: codecSnappy, count: 3, raw: []byte{200, 200}}.bytes(), "snappy"},
		{"lz4", rawBatch{base: 3, span: 3, codec: codecLZ4, count: 3, raw: []byte("xxxxxxxx")}.bytes(), "lz4"},
		{"zstd", rawBatch{base: 3, span: 3, codec: codecZstd, count: 3, raw: []byte("xxxxxxxx")}.bytes(), "zstd"},
		{"too few records", rawBatch{base: 3, span: 3, count: 3, payload: []byte{}, raw: []byte{}}.bytes(), "record's length"},
		{"more records than offsets", rawBatch{base: 3, span: 3, count: 4, deltas: deltas(3)}.bytes(), "4 records"},
	} {
		for _, per := range []int{100, 1} {
			l := &rawLog{batches: [][]byte{good(0), tc.batch, good(6)}, perResponse: per}
			c := l.serve(t)
			t.Run(fmt.Sprintf("%s/fail/%d", tc.name, per), func(t *testing.T) {
				cl, _ := newClient(t, c, nil)
				r := open(t, cl, "t", 0).Read(0)
				defer r.Close()
				got, err := readTo(t, r, 0, 9)
				var bad *stream.CorruptError
				if !errors.As(err, &bad) || !errors.Is(err, stream.ErrCorrupt) || bad.First != 3 || !strings.Contains(bad.Reason, tc.reason) {
					t.Errorf("error %v, want one from offset 3 with %q", err, tc.reason)
				}
				if want := []int64{0, 1, 2}; !slices.Equal(got, want) {
					t.Errorf("read %v before it, want %v", got, want)
				}
				if _, again := r.Read(testContext(t)); !errors.Is(again, stream.ErrCorrupt) {
					t.Errorf("a second Read: %v, want the same error", again)
				}
			})
			if tc.name == "old format" && per == 1 {
				continue // Its end is known only from the batch behind it.
			}
			t.Run(fmt.Sprintf("%s/skip/%d", tc.name, per), func(t *testing.T) {
				cl, e := newClient(t, c, func(c *Config) { c.Corrupt = corruptSkip })
				r := open(t, cl, "t", 0).Read(0)
				defer r.Close()
				got, err := readTo(t, r, 0, 9)
				if want := []int64{0, 1, 2, 6, 7, 8}; err != nil || !slices.Equal(got, want) {
					t.Fatalf("read %v, %v; want %v", got, err, want)
				}
				if len(e.skipped) != 1 || e.skipped[0].First != 3 || e.skipped[0].Next != 6 {
					t.Errorf("skipped %v, want [3, 6)", e.skipped)
				}
			})
		}
	}
}

// A broker that cuts batches off at the size asked for makes the request grow.
func TestBatchLargerThanRequest(t *testing.T) {
	big := rawBatch{base: 0, span: 1, count: 1, payload: appendRecord(nil, 0, []byte("k"), []byte("v0"+strings.Repeat("x", 100<<10)))}.bytes()
	l := &rawLog{batches: [][]byte{big}, perResponse: 1}
	cl, _ := newClient(t, l.serve(t), func(c *Config) { c.Fetch.MaxBytes = 1 << 10 })
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	ctx := testContext(t)
	for {
		b, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Records) == 1 && len(b.Records[0].Value) == 100<<10+2 {
			break
		}
	}
	cl, _ = newClient(t, l.serve(t), func(c *Config) { c.Fetch.MaxBytes, c.Fetch.BatchLimit = 1<<10, 50<<10 })
	r2 := open(t, cl, "t", 0).Read(0)
	defer r2.Close()
	if _, err := r2.Read(ctx); !errors.Is(err, stream.ErrCorrupt) || !strings.Contains(err.Error(), "batch_limit") {
		t.Fatalf("beyond the limit: %v", err)
	}
}

func TestFetchVersions(t *testing.T) {
	for v := int16(minFetchVersion); v <= 15; v++ {
		want := min(v, maxFetchVersion)
		if v >= fetchByIDVersion {
			want = fetchByIDVersion
		}
		versions := kversion.Stable()
		versions.SetMaxKeyVersion(int16(kmsg.Fetch), v)
		l := &rawLog{batches: [][]byte{rawBatch{base: 0, span: 3, deltas: deltas(3)}.bytes()}, perResponse: 1}
		cl, _ := newClient(t, l.serve(t, kfake.MaxVersions(versions)), nil)
		r := open(t, cl, "t", 0).Read(0)
		got, err := readTo(t, r, 0, 3)
		r.Close()
		if err != nil || len(got) != 3 || l.version.Load() != int32(want) {
			t.Errorf("broker up to version %d: asked in version %d, read %v, %v", v, l.version.Load(), got, err)
		}
	}
}

func TestTopicIDs(t *testing.T) {
	for v, want := range map[int16]bool{13: true, 10: true, 9: false, 4: false} {
		versions := kversion.Stable()
		versions.SetMaxKeyVersion(int16(kmsg.Metadata), v)
		c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "t"), kfake.MaxVersions(versions))
		cl, _ := newClient(t, c, nil)
		info, err := cl.Topic(testContext(t), "t")
		if err != nil || info.Partitions != 3 {
			t.Fatalf("Metadata %d: %+v, %v", v, info, err)
		}
		id := c.TopicInfo("t").TopicID
		if expected := topicID(id[:]); want && info.ID != expected || !want && info.ID != stream.NoTopicID {
			t.Errorf("Metadata %d: id %q, the topic's is %q", v, info.ID, expected)
		}
	}
}

func TestReadRecordFields(t *testing.T) {
	payload := appendRecord(nil, 0, nil, []byte("no key"))
	payload = appendRecord(payload, 1, []byte{}, nil)
	payload = appendRecord(payload, 2, []byte("k"), []byte{})
	plain := rawBatch{base: 0, span: 3, count: 3, payload: payload}
	appended := rawBatch{base: 3, span: 1, attrs: logAppendTime, deltas: deltas(1)}
	untimed := rawBatch{base: 4, span: 1, deltas: deltas(1)}.bytes()
	binary.BigEndian.PutUint64(untimed[27:], ^uint64(0))
	l := &rawLog{batches: [][]byte{plain.bytes(), appended.bytes(), seal(untimed)}, perResponse: 10}
	cl, _ := newClient(t, l.serve(t), nil)
	r := open(t, cl, "t", 0).Read(0)
	defer r.Close()
	b, err := r.Read(testContext(t))
	if err != nil || len(b.Records) != 5 {
		t.Fatalf("%d records, %v", len(b.Records), err)
	}
	if b.Records[0].Key != nil || b.Records[1].Key == nil || b.Records[1].Value != nil || b.Records[2].Value == nil {
		t.Errorf("nil and empty are mixed up: %v", b.Records[:3])
	}
	var times []int64
	for _, rec := range b.Records {
		times = append(times, rec.Time-testTime)
	}
	if want := []int64{0, 1, 2, 1, stream.NoTime - testTime}; !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
}

func TestCloseWhileWaiting(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	cl, _ := newClient(t, c, func(c *Config) { c.Fetch.MaxWait = 5 * time.Second; c.RequestTimeout = 5 * time.Second })
	r := open(t, cl, "t", 0).Read(0)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Read with nothing there: %v", err)
	}
	r.Close()
	if _, err := r.Read(context.Background()); !errors.Is(err, stream.ErrClosed) {
		t.Fatalf("Read after Close: %v", err)
	}
}

// The whole way from a broker in this process, which copies one batch for ever: what a reader can take at most.
func BenchmarkRead(b *testing.B) {
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		b.Run(name, func(b *testing.B) {
			c := newCluster(b, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"),
				kfake.SyntheticFetch(kfake.SyntheticBatch{RecordBytes: 100, Records: 2000, RandomFrac: 0.3, Compression: codec}))
			cl, _ := newClient(b, c, nil)
			r := open(b, cl, "t", 0).Read(0)
			defer r.Close()
			ctx := context.Background()
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				batch, err := r.Read(ctx)
				if err != nil {
					b.Fatal(err)
				}
				n += len(batch.Records)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
