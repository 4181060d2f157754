package sketcher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/snapshot"
	"phasor/snapshot/bucket/buckettest"
	"phasor/stream"
)

// scenarioWriter writes the records of a scenario.
type scenarioWriter struct {
	s        *scenario
	k        *kgo.Client
	rng      *rand.Rand
	n        int
	now      int64
	mu       sync.Mutex
	err      error
	partials int // Transactions that were aborted.
}

func newScenarioWriter(s *scenario) *scenarioWriter {
	return &scenarioWriter{s: s, k: s.newKgo(kgo.UnknownTopicRetries(-1)), rng: rand.New(rand.NewPCG(s.seed, 78)), now: 1_700_000_000_000}
}

// write puts n records on their way; close waits for all of them.
func (w *scenarioWriter) write(n int) {
	for range n {
		w.put(w.record(w.rng.IntN(w.s.partitions)))
	}
}

// renew waits for what is on its way and connects anew, so that partitions that were added are known.
func (w *scenarioWriter) renew() {
	w.s.Helper()
	w.close()
	w.k = w.s.newKgo(kgo.UnknownTopicRetries(-1))
}

// everywhere writes a few records to each partition.
func (w *scenarioWriter) everywhere() {
	for p := range w.s.partitions {
		for range 10 {
			w.put(w.record(p))
		}
	}
}

func (w *scenarioWriter) put(r *kgo.Record) {
	w.k.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.err = err
		}
	})
}

// record makes the next record: mostly good, mostly in order of event time.
func (w *scenarioWriter) record(partition int) *kgo.Record {
	w.n++
	w.now += w.rng.Int64N(8)
	r := &kgo.Record{Topic: w.s.topic, Partition: int32(partition), Timestamp: time.UnixMilli(w.now - w.rng.Int64N(20))}
	a, b := strconv.FormatFloat(w.rng.NormFloat64(), 'g', -1, 64), strconv.FormatFloat(w.rng.NormFloat64(), 'e', 6, 64)
	r.Value = fmt.Appendf(nil, `{"a": %s, "b": %s}`, a, b)
	switch w.rng.IntN(60) {
	case 0:
		r.Value = nil
	case 1:
		r.Value = []byte(`{"a": `)
	case 2:
		r.Value = fmt.Appendf(nil, `{"a": %s}`, a)
	case 3:
		r.Value = fmt.Appendf(nil, `{"b": "%s", "a": null}`, b)
	case 4:
		r.Value = fmt.Appendf(nil, `{"a": 1e999, "b": %s}`, b)
	case 5:
		r.Timestamp = time.UnixMilli(w.rng.Int64N(1_000_000)) // 1970.
	case 6:
		r.Timestamp = time.UnixMilli(4_102_444_800_000 + w.rng.Int64N(1_000_000)) // 2100.
	case 7:
		r.Timestamp = time.UnixMilli(w.now - 5000)
	case 8, 9:
		r.Key = fmt.Append(nil, w.n)
	case 10:
		r.Value = fmt.Appendf(nil, "{\"new\": [1, {\"x\": 2}],\n\"b\":%s ,\t\"a\": %s, \"n\": %d}", b, a, w.n) // The schema changed.
	}
	return r
}

// abort writes records that no reader of committed records may see.
func (w *scenarioWriter) abort() {
	w.s.Helper()
	ctx, cancel := context.WithTimeout(w.s.Context(), time.Minute)
	defer cancel()
	w.partials++
	k := w.s.newKgo(kgo.TransactionalID(fmt.Sprintf("%s-%d", w.s.topic, w.partials)))
	defer k.Close()
	err := k.BeginTransaction()
	if err == nil {
		err = k.ProduceSync(ctx, w.record(w.rng.IntN(w.s.partitions)), w.record(w.rng.IntN(w.s.partitions))).FirstErr()
	}
	if err == nil {
		err = k.EndTransaction(ctx, kgo.TryAbort)
	}
	if err != nil {
		w.s.Fatalf("aborting a transaction: %v", err)
	}
}

func (w *scenarioWriter) close() {
	w.s.Helper()
	ctx, cancel := context.WithTimeout(w.s.Context(), time.Minute)
	defer cancel()
	err := w.k.Flush(ctx)
	w.k.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || w.err != nil {
		w.s.Fatalf("writing records: %v, %v", err, w.err)
	}
}

// ends are the ends of all partitions.
func (s *scenario) ends() map[int]int64 {
	s.Helper()
	k := s.newKgo()
	defer k.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ends := map[int]int64{}
		listed, err := kadm.NewClient(k).ListEndOffsets(s.Context(), s.topic)
		if err == nil {
			err = listed.Error()
		}
		listed.Each(func(o kadm.ListedOffset) { ends[int(o.Partition)] = o.Offset })
		if err == nil && len(ends) == s.partitions {
			return ends
		}
		if time.Now().After(deadline) {
			s.Fatalf("ends of %d partitions: %v, %v", s.partitions, ends, err)
		}
	}
}

// id names a partition as the broker does.
func (s *scenario) id(partition int) stream.PartitionID {
	s.Helper()
	k := s.newKgo()
	defer k.Close()
	topics, err := kadm.NewClient(k).ListTopics(s.Context(), s.topic)
	if err != nil {
		s.Fatal(err)
	}
	id := topics[s.topic].ID
	return stream.PartitionID{Topic: s.topic, TopicID: kafkaID(id), Partition: partition}
}

// read returns the committed records of a partition up to its end, read by a client that shares no code with ours.
func (s *scenario) read(partition int, end int64) []stream.Record {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	k := s.newKgo(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {int32(partition): kgo.NewOffset().AtStart()}}))
	defer k.Close()
	var records []stream.Record
	for next := int64(0); next < end; {
		f := k.PollFetches(ctx)
		if err := f.Err(); err != nil {
			s.Fatalf("reading partition %d at %d of %d: %v", partition, next, end, err)
		}
		f.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				records = append(records, stream.Record{Offset: r.Offset, Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
			}
		})
	}
	return records
}

// diagnose says which states of the store are not what the log up to their ends makes.
func (s *scenario) diagnose() {
	e, err := s.store(s.bucket).LatestSpec(s.Context())
	if err != nil {
		return
	}
	cfg := s.foldConfig()
	cfg.Map = testMap()
	refs, err := e.ListStates(s.Context())
	if err != nil {
		return
	}
	for _, ref := range refs {
		records := s.read(ref.Partition, s.ends()[ref.Partition])
		n := 0
		for n < len(records) && records[n].Offset < ref.Next {
			n++
		}
		want, err := NewFold(cfg, s.id(ref.Partition), 0)
		if err != nil {
			return
		}
		want.Batch(stream.Batch{Records: records[:n], Next: ref.Next})
		wantState := want.Cut().State
		b, err := s.bucket.Get(s.Context(), fmt.Sprintf("s/0001/state/%s.%s/%d/%020d", ref.Topic, ref.TopicID, ref.Partition, ref.Next))
		if err != nil {
			continue
		}
		got, err := snapshot.DecodeState(b)
		if err != nil {
			s.Logf("%s at %d: %v", ref.PartitionID, ref.Next, err)
			continue
		}
		s.Logf("%s at %d: side sums %v, rejects %v (%v), late %d (%d), early %d (%d), missing %d (%d), last %d (%d), records %d (%d), decoder %q (%q), watermark %d (%d)", ref.PartitionID, ref.Next, got.Side == wantState.Side,
			got.Rejects, wantState.Rejects, got.Late, wantState.Late, got.Early, wantState.Early, got.Missing, wantState.Missing, got.LastOffset, wantState.LastOffset,
			got.Count(), wantState.Count(), got.Decoder, wantState.Decoder, got.Watermark, wantState.Watermark)
	}
}

// verify compares what the store holds with the log.
func (s *scenario) verify() {
	s.Helper()
	e, err := s.store(s.bucket).LatestSpec(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	cfg := s.foldConfig()
	cfg.Map = testMap()
	total := 0
	sealed := map[snapshot.PartitionID][]snapshot.Pane{}
	for p, end := range s.ends() {
		records := s.read(p, end)
		total += len(records)
		got, err := e.LoadState(s.Context(), snapshot.PartitionID(s.id(p)), cfg.Description())
		if err != nil {
			s.Fatal(err)
		}
		var side snapshot.SideSums
		for i := range records {
			side.Add(records[i].Offset, RecordHash(&records[i]))
		}
		if got.Side != side || got.Next != end || len(got.Gaps) > 0 || got.Start != 0 {
			s.Errorf("partition %d: [%d, %d), %+v, gaps %v; the log has [0, %d), %+v", p, got.Start, got.Next, got.Side, got.Gaps, end, side)
			continue
		}
		want, err := NewFold(cfg, s.id(p), 0)
		if err != nil {
			s.Fatal(err)
		}
		want.Batch(stream.Batch{Records: records, Next: end})
		c := want.Cut()
		wantBytes, _ := c.State.Encode()
		gotBytes, _ := got.Encode()
		if string(wantBytes) != string(gotBytes) {
			s.Errorf("partition %d: the state at %d is not the fold of its log", p, end)
		}
		sealed[snapshot.PartitionID(s.id(p))] = c.Panes
	}
	for _, clean := range []bool{false, true} {
		if clean {
			n, err := s.prune(buckettest.NewFaulty(s.bucket, nil))
			if err != nil {
				s.Error(err)
			}
			s.steps = append(s.steps, fmt.Sprintf("%d panes compacted in the end", n.Compacted))
		}
		for id, panes := range sealed {
			s.verifyPanes(e, id, panes)
		}
	}
	s.Logf("seed %d: %d records in %d partitions: %v", s.seed, total, s.partitions, s.steps)
}
