package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"phasor/stream"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// rawBatch describes a record batch that a test makes by hand.
type rawBatch struct {
	base    int64
	span    int // Offsets covered.
	codec   int
	xerial  bool
	attrs   uint16 // Besides the codec.
	pid     int64
	deltas  []int  // Records at these offset deltas, with key k and value v<offset>.
	payload []byte // Instead of the records, not yet compressed.
	raw     []byte // Instead of the compressed payload.
	count   int    // Instead of the number of deltas, if not 0.
}

const testTime = 1_700_000_000_000

func appendRecord(b []byte, delta int64, key, value []byte) []byte {
	r := []byte{0}
	r = binary.AppendVarint(r, delta) // Time delta: the offset delta.
	r = binary.AppendVarint(r, delta)
	for _, v := range [][]byte{key, value} {
		if v == nil {
			r = binary.AppendVarint(r, -1)
		} else {
			r = append(binary.AppendVarint(r, int64(len(v))), v...)
		}
	}
	r = binary.AppendVarint(r, 0)
	return append(binary.AppendVarint(b, int64(len(r))), r...)
}

func (r rawBatch) bytes() []byte {
	payload, count := r.payload, r.count
	for _, d := range r.deltas {
		payload = appendRecord(payload, int64(d), []byte("k"), fmt.Appendf(nil, "v%d", r.base+int64(d)))
	}
	if count == 0 {
		count = len(r.deltas)
	}
	body := r.raw
	if body == nil && (count > 0 || len(payload) > 0) { // Brokers leave the payload of an empty batch empty.
		body = compress(r.codec, r.xerial, payload)
	}
	if r.attrs&transactional == 0 && r.pid == 0 {
		r.pid = -1
	}
	be := binary.BigEndian
	b := be.AppendUint64(nil, uint64(r.base))
	b = be.AppendUint32(b, uint32(batchHeader-lengthEnd+len(body)))
	b = be.AppendUint32(b, 0)
	b = append(b, 2, 0, 0, 0, 0)
	b = be.AppendUint16(b, r.attrs|uint16(r.codec))
	b = be.AppendUint32(b, uint32(r.span-1))
	b = be.AppendUint64(b, testTime)
	b = be.AppendUint64(b, testTime+uint64(r.span))
	b = be.AppendUint64(b, uint64(r.pid))
	b = be.AppendUint16(b, 0)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, uint32(count))
	b = append(b, body...)
	return seal(b)
}

// seal sets the checksum.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[checksumEnd:], castagnoli))
	return b
}

func marker(base, pid int64, commit bool) rawBatch {
	key := []byte{0, 0, 0, 0}
	if commit {
		key[3] = 1
	}
	return rawBatch{base: base, span: 1, attrs: controlBatch | transactional, pid: pid, count: 1, payload: appendRecord(nil, 0, key, []byte{0, 0, 0, 0, 0, 0})}
}

func compress(codec int, xerial bool, payload []byte) []byte {
	var buf bytes.Buffer
	switch codec {
	case codecGzip:
		w := gzip.NewWriter(&buf)
		w.Write(payload)
		w.Close()
	case codecSnappy:
		if !xerial {
			return s2.EncodeSnappy(nil, payload)
		}
		buf.Write(xerialMagic)
		buf.Write([]byte{0, 0, 0, 1, 0, 0, 0, 1})
		for part := range slices.Chunk(payload, 32<<10) {
			block := s2.EncodeSnappy(nil, part)
			buf.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block))))
			buf.Write(block)
		}
	case codecLZ4:
		w := lz4.NewWriter(&buf)
		w.Write(payload)
		w.Close()
	case codecZstd:
		w, _ := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
		w.Write(payload)
		w.Close()
	default:
		return payload
	}
	return buf.Bytes()
}

func deltas(n int) []int {
	d := make([]int, n)
	for i := range d {
		d[i] = i
	}
	return d
}

// events collects what the hooks tell.
type events struct {
	mu      sync.Mutex
	retries []string
	stalls  int
	groups  []string
	skipped []*stream.CorruptError
}

func (e *events) hooks() Hooks {
	names := func(kind string) func([]stream.PartitionID) {
		return func(ids []stream.PartitionID) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.groups = append(e.groups, fmt.Sprint(kind, " ", ids))
		}
	}
	return Hooks{
		Retry: func(_ stream.PartitionID, err error, _ time.Duration) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.retries = append(e.retries, err.Error())
		},
		Stalled: func(stream.PartitionID, int64, int64, time.Duration) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.stalls++
		},
		Skipped: func(err *stream.CorruptError) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.skipped = append(e.skipped, err)
		},
		Assigned: names("assigned"), Revoked: names("revoked"), Lost: names("lost"),
	}
}

func (e *events) stalled() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stalls
}

// told returns the errors that were tried again.
func (e *events) told() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.retries)
}

func (e *events) sawRetry(part string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.retries, func(s string) bool { return strings.Contains(s, part) })
}

func (e *events) saw(kind string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.groups, func(s string) bool { return strings.HasPrefix(s, kind+" ") })
}

func newCluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newClient(t testing.TB, c *kfake.Cluster, change func(*Config)) (*Client, *events) {
	t.Helper()
	e := new(events)
	cfg := Config{Brokers: c.ListenAddrs(), Hooks: e.hooks(), RequestTimeout: 2 * time.Second, Fetch: Fetch{MaxWait: 50 * time.Millisecond}}
	if change != nil {
		change(&cfg)
	}
	cl, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl, e
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// open returns partition p of a topic.
func open(t testing.TB, cl *Client, topic string, p int) *partition {
	t.Helper()
	info, err := cl.Topic(testContext(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	return &partition{c: cl, id: stream.PartitionID{Topic: topic, TopicID: info.ID, Partition: p}}
}

// fill writes values v<from> … v<to-1> to a partition with franz-go.
func fill(t testing.TB, c *kfake.Cluster, topic string, p int32, from, to int, opts ...kgo.Opt) {
	t.Helper()
	k, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var recs []*kgo.Record
	for i := from; i < to; i++ {
		recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Key: []byte("k"), Value: fmt.Appendf(nil, "v%d", i)})
	}
	if err := k.ProduceSync(testContext(t), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// readTo reads up to a position and checks that each record is v<offset>.
func readTo(t testing.TB, r stream.Reader, next, end int64) (offsets []int64, err error) {
	t.Helper()
	ctx := testContext(t)
	for next < end {
		b, err := r.Read(ctx)
		if err != nil {
			return offsets, err
		}
		if b.Next < next {
			t.Fatalf("the position went back from %d to %d", next, b.Next)
		}
		for _, rec := range b.Records {
			if string(rec.Key) != "k" || string(rec.Value) != fmt.Sprint("v", rec.Offset) || rec.Offset < next || rec.Offset >= b.Next {
				t.Fatalf("record %d %q=%q in a batch from %d to %d", rec.Offset, rec.Key, rec.Value, next, b.Next)
			}
			offsets = append(offsets, rec.Offset)
		}
		next = b.Next
	}
	return offsets, nil
}

// rawLog makes a cluster serve batches made by hand for partition 0 of topic t.
type rawLog struct {
	batches     [][]byte
	perResponse int
	aborted     []kmsg.FetchResponseTopicPartitionAbortedTransaction
	high        int64        // The end of the last batch if 0.
	version     atomic.Int32 // Of the last request.
}

func (l *rawLog) end() int64 {
	if l.high != 0 || len(l.batches) == 0 {
		return l.high
	}
	return parseHeader(l.batches[len(l.batches)-1]).last + 1
}

func (l *rawLog) serve(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	c := newCluster(t, append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "t")}, opts...)...)
	c.ControlKey(int16(kmsg.Fetch), func(q kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := q.(*kmsg.FetchRequest)
		l.version.Store(int32(req.Version))
		if len(req.Topics) == 0 {
			return nil, nil, false
		}
		offset := req.Topics[0].Partitions[0].FetchOffset
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = l.end(), l.end(), 0
		n := 0
		for _, b := range l.batches {
			if last := int64(binary.BigEndian.Uint64(b)) + int64(int32(binary.BigEndian.Uint32(b[23:]))); last >= offset && n < l.perResponse {
				rp.RecordBatches = append(rp.RecordBatches, b...)
				n++
			}
		}
		if limit := int(req.Topics[0].Partitions[0].PartitionMaxBytes); len(rp.RecordBatches) > limit {
			rp.RecordBatches = rp.RecordBatches[:limit] // As brokers before KIP-74 do.
		}
		if req.IsolationLevel == 1 {
			rp.AbortedTransactions = l.aborted
		}
		rt.Partitions = append(rt.Partitions, rp)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	return c
}
