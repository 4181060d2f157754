package sketcher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/decode"
)

var testMap = sync.OnceValue(func() *feature.Map {
	rng := rand.New(rand.NewPCG(1, 2))
	pilot := make([]float64, 2*500)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()
	}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: []string{"a", "b"}, Features: 32, Seed: 1})
	if err != nil {
		panic(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		panic(err)
	}
	return m
})

func testConfig() FoldConfig {
	return FoldConfig{Map: testMap(), Topics: []string{"t"}, Isolation: "read_committed", Length: 10 * time.Millisecond, Lateness: 20 * time.Millisecond,
		Decode: decode.Config{Format: "float64", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}}
}

var testID = stream.PartitionID{Topic: "t", TopicID: "id", Partition: 3}

func floats(x ...float64) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// foldAll folds records in batches that end at the given positions.
func foldAll(t interface{ Fatal(...any) }, f *Fold, records []stream.Record, ends ...int) {
	at := 0
	for _, end := range append(ends, len(records)) {
		if end <= at {
			continue
		}
		f.Batch(stream.Batch{Records: records[at:end], Next: records[end-1].Offset + 1})
		at = end
	}
}

func newFold(t interface{ Fatal(...any) }) *Fold {
	f, err := NewFold(testConfig(), testID, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drawRecords draws a log with out-of-order times, wild clocks, poison and holes in the offsets.
func drawRecords(t *rapid.T) []stream.Record {
	n := rapid.IntRange(0, 200).Draw(t, "records")
	var records []stream.Record
	offset, now := int64(0), int64(1_000_000)
	for range n {
		offset += rapid.Int64Range(1, 3).Draw(t, "step")
		now += rapid.Int64Range(-15, 25).Draw(t, "time")
		r := stream.Record{Offset: offset, Time: now, Value: floats(rapid.Float64Range(-300, 300).Draw(t, "a"), rapid.Float64Range(-3, 3).Draw(t, "b"))}
		switch rapid.IntRange(0, 20).Draw(t, "kind") {
		case 0:
			r.Value = nil
		case 1:
			r.Value = []byte("poison")
		case 2:
			r.Value = floats(math.NaN(), 1)
		case 3:
			r.Time = rapid.SampledFrom([]int64{-1, -5, 0, 4102444800000, math.MaxInt64, math.MinInt64}).Draw(t, "wild")
		case 4:
			r.Key = []byte{}
		}
		records = append(records, r)
	}
	return records
}

func encode(t interface{ Fatal(...any) }, f *Fold) []byte {
	b, err := f.Cut().State.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatchesLeaveNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		whole := newFold(t)
		foldAll(t, whole, records)
		cut := newFold(t)
		ends := rapid.SliceOf(rapid.IntRange(0, len(records))).Draw(t, "ends")
		slices.Sort(ends)
		foldAll(t, cut, records, ends...)
		if !bytes.Equal(encode(t, whole), encode(t, cut)) {
			t.Fatal("the state depends on how the log was cut into batches")
		}
	})
}

// A batch that was left because panes wait, and taken up again when they are written, is folded as if it never was.
func TestBatchesThatWereLeftLeaveNoTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := stream.Batch{Records: drawRecords(t), Next: 1}
		if n := len(b.Records); n > 1 {
			b.Next = b.Records[n-1].Offset + 1
			for i := range n - 1 { // A corrupt batch in some of the holes.
				if from, to := b.Records[i].Offset+1, b.Records[i+1].Offset; from < to && rapid.Bool().Draw(t, "corrupt") {
					b.Skipped = append(b.Skipped, &stream.CorruptError{ID: testID, First: from, Next: to, Reason: "checksum"})
				}
			}
		}
		whole, left := newFold(t), newFold(t)
		whole.Batch(b)
		left.MaxUnsaved = rapid.IntRange(1, 5).Draw(t, "most")
		var panes []snapshot.Pane
		for again := true; again; {
			c := left.Batch(b)
			cut := left.Cut()
			panes = append(panes, cut.Panes...)
			left.Saved(cut.Panes)
			for _, g := range cut.State.Gaps {
				if g.To > cut.State.Next {
					t.Fatalf("a state at %d holds the gap %+v", cut.State.Next, g)
				}
			}
			again = c.Left > 0
			b.Records = b.Records[len(b.Records)-c.Left:]
		}
		want := whole.Cut()
		wantBytes, _ := want.State.Encode()
		if !bytes.Equal(wantBytes, encode(t, left)) || len(panes) != len(want.Panes) {
			t.Fatalf("the state depends on where a batch was left: %d panes, want %d", len(panes), len(want.Panes))
		}
	})
}

func TestResumeGoesOnWhereItStood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		whole := newFold(t)
		foldAll(t, whole, records)
		wholeCut := whole.Cut()

		var panes []snapshot.Pane
		f := newFold(t)
		at := 0
		for at < len(records) {
			end := rapid.IntRange(at+1, len(records)).Draw(t, "end")
			foldAll(t, f, records[at:end])
			at = end
			c := f.Cut()
			panes = append(panes, c.Panes...)
			b, err := c.State.Encode()
			if err != nil {
				t.Fatal(err)
			}
			s, err := snapshot.DecodeState(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range append(slices.Collect(mapValues(s.Open)), s.Sealed) {
				if err := a.Bind(testMap()); err != nil {
					t.Fatal(err)
				}
			}
			if f, err = Resume(testConfig(), s); err != nil {
				t.Fatal(err)
			}
		}
		want, _ := wholeCut.State.Encode()
		if !bytes.Equal(want, encode(t, f)) {
			t.Fatal("resuming from a state changed the result")
		}
		if len(panes) != len(wholeCut.Panes) {
			t.Fatalf("sealed %d panes with restarts, %d without", len(panes), len(wholeCut.Panes))
		}
		for i := range panes {
			if panes[i].PaneRef != wholeCut.Panes[i].PaneRef || !panes[i].Accumulator.Equal(wholeCut.Panes[i].Accumulator) {
				t.Fatalf("pane %d at %d differs after a restart", i, panes[i].Start)
			}
		}
	})
}

func mapValues(m map[int64]*sketch.Accumulator) func(func(*sketch.Accumulator) bool) {
	return func(yield func(*sketch.Accumulator) bool) {
		for _, a := range m {
			if !yield(a) {
				return
			}
		}
	}
}

// plainFold states the rules of panes again, record by record, with lists instead of accumulators.
type plainFold struct {
	times       []int64
	watermark   int64
	open        map[int64][]int
	sealed      map[int64][]int
	total       []int
	late, early int64
}

func (p *plainFold) record(i int, t, length, lateness int64) {
	if t == -1 {
		p.total = append(p.total, i)
		return
	}
	if t < 0 {
		p.late++
		p.total = append(p.total, i)
		return
	}
	if t > MaxTime {
		p.early++
		p.total = append(p.total, i)
		return
	}
	p.times = append(p.times, t)
	p.watermark = max(p.watermark, slices.Min(p.times[max(0, len(p.times)-4):]))
	for start, list := range p.open {
		if start+length+lateness <= p.watermark {
			p.sealed[start] = list
			p.total = append(p.total, list...)
			delete(p.open, start)
		}
	}
	start := t - t%length
	if start+length+lateness <= p.watermark {
		p.late++
		p.total = append(p.total, i)
		return
	}
	p.open[start] = append(p.open[start], i)
	if len(p.open) > 16 {
		far := start
		for s := range p.open {
			far = max(far, s)
		}
		p.early += int64(len(p.open[far]))
		p.total = append(p.total, p.open[far]...)
		delete(p.open, far)
	}
}

func TestPanesFollowTheirRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		if rapid.Bool().Draw(t, "spread") { // Far ahead of the watermark, so that more than 16 panes want to be open.
			for i := range records {
				records[i].Time += rapid.SampledFrom([]int64{0, 0, 0, 50, 170, 400}).Draw(t, "ahead")
			}
		}
		f := newFold(t)
		foldAll(t, f, records)
		c := f.Cut()
		want := plainFold{watermark: math.MinInt64, open: map[int64][]int{}, sealed: map[int64][]int{}}
		vectors := map[int][]int32{}
		for i, r := range records {
			if len(r.Value) != 16 {
				continue
			}
			x := []float64{math.Float64frombits(binary.LittleEndian.Uint64(r.Value)), math.Float64frombits(binary.LittleEndian.Uint64(r.Value[8:]))}
			q := make([]int32, 2)
			if !testMap().Quantise(q, x) {
				continue
			}
			vectors[i] = q
			want.record(i, r.Time, 10, 20)
		}
		sketchOf := func(list []int) *sketch.Accumulator {
			a := sketch.New(testMap())
			for _, i := range list {
				a.Fold(vectors[i])
			}
			return a
		}
		if c.State.Late != want.late || c.State.Early != want.early || c.State.Watermark != want.watermark {
			t.Fatalf("late %d, early %d, watermark %d; want %d, %d, %d", c.State.Late, c.State.Early, c.State.Watermark, want.late, want.early, want.watermark)
		}
		if len(c.State.Open) != len(want.open) || len(c.Panes) != len(want.sealed) {
			t.Fatalf("%d open and %d sealed panes, want %d and %d", len(c.State.Open), len(c.Panes), len(want.open), len(want.sealed))
		}
		for start, list := range want.open {
			if a := c.State.Open[start]; a == nil || !a.Equal(sketchOf(list)) {
				t.Fatalf("the open pane at %d is not the sketch of its %d records", start, len(list))
			}
		}
		for _, p := range c.Panes {
			if !p.Accumulator.Equal(sketchOf(want.sealed[p.Start])) {
				t.Fatalf("the sealed pane at %d is not the sketch of its records", p.Start)
			}
		}
		if !c.State.Sealed.Equal(sketchOf(want.total)) {
			t.Fatal("the sealed total is not the sketch of its records")
		}
	})
}

func TestSideSumsAndRejects(t *testing.T) {
	records := []stream.Record{
		{Offset: 5, Time: 100, Value: floats(1, 2)}, {Offset: 6, Time: 101, Value: nil}, {Offset: 8, Time: 102, Value: floats(1)},
		{Offset: 9, Time: 103, Value: floats(math.Inf(1), 1)}, {Offset: 12, Time: 104, Key: []byte("k"), Value: floats(3, 4)},
	}
	f := newFold(t)
	var samples []string
	f.OnReject = func(r *stream.Record, reason decode.Reason) {
		samples = append(samples, fmt.Sprintf("%d %v", r.Offset, reason))
	}
	var vectors []string
	f.OnRecord = func(r *stream.Record, x []float64) { vectors = append(vectors, fmt.Sprint(r.Offset, x)) }
	c := f.Batch(stream.Batch{Records: records, Next: 20, HighWatermark: 20})
	if c.Records != 5 || c.Folded != 2 || c.Rejects[decode.Tombstone] != 1 || c.Rejects[decode.Dimension] != 1 || c.Rejects[decode.Nonfinite] != 1 {
		t.Fatalf("counts %+v", c)
	}
	if want := []string{"6 tombstone", "8 dimension", "9 nonfinite"}; !slices.Equal(samples, want) {
		t.Fatalf("rejects %v, want %v", samples, want)
	}
	if want := []string{"5 [1 2]", "12 [3 4]"}; !slices.Equal(vectors, want) {
		t.Fatalf("vectors %v, want %v", vectors, want)
	}
	again := f.Batch(stream.Batch{Records: records, Next: 20})
	if again.Duplicates != 5 || again.Folded != 0 {
		t.Fatalf("records below next were folded again: %+v", again)
	}
	s := f.Cut().State
	var xor uint64
	for i := range records {
		xor ^= RecordHash(&records[i])
	}
	if s.Side.Count != 5 || s.Side.OffsetSum.Lo != 5+6+8+9+12 || s.Side.HashXor != xor || s.Next != 20 || s.LastOffset != 12 || s.LastHash != records[4].Sum() {
		t.Fatalf("side sums %+v, next %d, last %d", s.Side, s.Next, s.LastOffset)
	}
	if s.Rejects["tombstone"] != 1 || s.Rejects["dimension"] != 1 || s.Rejects["nonfinite"] != 1 || len(s.Rejects) != 3 {
		t.Fatalf("rejects %v", s.Rejects)
	}
}

func TestSkippedBatchesAreGaps(t *testing.T) {
	f := newFold(t)
	b := stream.Batch{Records: []stream.Record{{Offset: 9, Time: 5, Value: floats(1, 2)}}, Next: 10,
		Skipped: []*stream.CorruptError{{ID: testID, First: 3, Next: 7, Reason: "checksum"}}}
	f.Batch(b)
	f.Batch(b) // Delivered again: nothing is counted twice.
	if s := f.Cut().State; len(s.Gaps) != 1 || s.Gaps[0] != (snapshot.Gap{From: 3, To: 7, Reason: "corrupt"}) || s.Next != 10 {
		t.Errorf("gaps %v, next %d", s.Gaps, s.Next)
	}
}

func TestRecordHashSeesEveryPart(t *testing.T) {
	base := stream.Record{Offset: 1, Time: 2, Key: []byte("k"), Value: []byte("v")}
	seen := map[uint64]stream.Record{}
	for _, r := range []stream.Record{base, {Offset: 2, Time: 2, Key: base.Key, Value: base.Value}, {Offset: 1, Time: 3, Key: base.Key, Value: base.Value},
		{Offset: 1, Time: 2, Value: base.Value}, {Offset: 1, Time: 2, Key: []byte{}, Value: base.Value}, {Offset: 1, Time: 2, Key: base.Key},
		{Offset: 1, Time: 2, Key: base.Key, Value: []byte{}}, {Offset: 1, Time: 2, Key: []byte("kv"), Value: []byte{}}, {Offset: 1, Time: 2, Key: base.Value, Value: base.Key}} {
		h := RecordHash(&r)
		if o, ok := seen[h]; ok {
			t.Errorf("%+v and %+v have one hash", o, r)
		}
		seen[h] = r
	}
}

func TestResumeRefusesAnotherFold(t *testing.T) {
	f := newFold(t)
	f.Batch(stream.Batch{Records: []stream.Record{{Offset: 0, Time: 5, Value: floats(1, 2)}}, Next: 1})
	s := f.Cut().State
	for field, change := range map[string]func(*FoldConfig){
		"panes.length":   func(c *FoldConfig) { c.Length = 20 * time.Millisecond },
		"panes.lateness": func(c *FoldConfig) { c.Lateness = 0 },
		"isolation":      func(c *FoldConfig) { c.Isolation = "read_uncommitted" },
		"topics":         func(c *FoldConfig) { c.Topics = []string{"t", "u"} },
		"decoder":        func(c *FoldConfig) { c.Decode.Missing = "last" },
	} {
		cfg := testConfig()
		change(&cfg)
		_, err := Resume(cfg, s)
		var m *snapshot.FoldMismatchError
		if !errors.As(err, &m) || m.Field != field || m.Want == m.Found {
			t.Errorf("changed %s: %v", field, err)
		}
	}
}

func TestFoldConfigSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*FoldConfig){
		"lateness": func(c *FoldConfig) { c.Lateness = 7 * c.Length },
		"length":   func(c *FoldConfig) { c.Length = time.Microsecond },
		"order":    func(c *FoldConfig) { c.Decode.Channels = []decode.Channel{{Name: "b"}, {Name: "a"}} },
		"channels": func(c *FoldConfig) { c.Decode.Channels = c.Decode.Channels[:1] },
	} {
		cfg := testConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestBatchDoesNotAllocate(t *testing.T) {
	f := newFold(t)
	records := make([]stream.Record, 500)
	for i := range records {
		records[i] = stream.Record{Time: 1_000_000 + int64(i%10), Value: floats(float64(i), 1)}
	}
	next := int64(0)
	run := func() {
		for i := range records {
			records[i].Offset = next
			next++
		}
		f.Batch(stream.Batch{Records: records, Next: next})
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 5 { // The sum of the last record allocates a little, once a batch.
		t.Errorf("%v allocations for a batch of %d records", n, len(records))
	}
}

func BenchmarkBatch(b *testing.B) {
	f := newFold(b)
	records := make([]stream.Record, 1000)
	for i := range records {
		records[i] = stream.Record{Time: 1_000_000 + int64(i%10), Value: floats(float64(i), 1)}
	}
	next := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range records {
			records[i].Offset = next
			next++
		}
		f.Batch(stream.Batch{Records: records, Next: next})
	}
	b.ReportMetric(float64(b.N)*float64(len(records))/b.Elapsed().Seconds(), "records/s")
}
