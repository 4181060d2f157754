package sketcher

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"phasor/sketcher/sketch"
	"phasor/stream"
	"phasor/stream/decode"
)

func jsonConfig(change func(*decode.Config)) FoldConfig {
	c := testConfig()
	c.Decode = decode.Config{Format: "json", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}
	if change != nil {
		change(&c.Decode)
	}
	return c
}

// TestPoison mixes each kind of record that cannot be folded into good ones, a few, half and nothing else: each is
// counted by its reason, and the sketch is that of the good ones.
func TestPoison(t *testing.T) {
	kinds := map[string]struct {
		value  []byte
		reason decode.Reason
	}{
		"garbage":    {[]byte("\x00\xff{"), decode.Decode},
		"cut off":    {[]byte(`{"a": 1, "b": `), decode.Decode},
		"no channel": {[]byte(`{"line": "4", "a": 1}`), decode.Schema},
		"text":       {[]byte(`{"line": "4", "a": 1, "b": "high"}`), decode.Schema},
		"null":       {[]byte(`{"line": "4", "a": null, "b": 1}`), decode.Schema},
		"infinite":   {[]byte(`{"line": "4", "a": 1e999, "b": 1}`), decode.Nonfinite},
		"tombstone":  {nil, decode.Tombstone},
		"oversize":   {append([]byte(`{"a": 1, "b": 1}`), make([]byte, 5000)...), decode.Oversize},
		"filtered":   {[]byte(`{"line": "5", "a": 1, "b": 1}`), decode.Filtered},
	}
	for name, kind := range kinds {
		for _, share := range []float64{0.001, 0.5, 1} {
			t.Run(fmt.Sprintf("%s, %g", name, share), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, 7))
				f, err := NewFold(jsonConfig(func(c *decode.Config) { c.Where, c.MaxBytes = map[string]string{"line": "4"}, 5000 }), testID, 0)
				if err != nil {
					t.Fatal(err)
				}
				want := sketch.New(testMap())
				bad, q := int64(0), make([]int32, 2)
				const records = 2000
				for i := range int64(records) {
					r := stream.Record{Offset: i, Time: 1_000_000 + i}
					if rng.Float64() < share || i == records/2 {
						bad++
						r.Value = kind.value
					} else {
						x := []float64{rng.NormFloat64(), rng.NormFloat64()}
						r.Value = fmt.Appendf(nil, `{"line": "4", "a": %g, "b": %g}`, x[0], x[1])
						testMap().Quantise(q, x)
						want.Fold(q)
					}
					f.Batch(stream.Batch{Records: []stream.Record{r}, Next: i + 1})
				}
				s := f.Cut().State
				if s.Rejects[kind.reason.String()] != bad || len(s.Rejects) != 1 {
					t.Errorf("rejects %v, want %d of %v", s.Rejects, bad, kind.reason)
				}
				total := s.Total()
				if !total.Equal(want) || s.Side.Count != records || s.Next != records {
					t.Errorf("%d records folded of %d seen, want %d", total.Count(), s.Side.Count, want.Count())
				}
			})
		}
	}
}

// TestWrongClocksDoNotFloodPanes: records of 1970 and 2100, alone and among others, open no more panes than may be open,
// seal none that is not due, and are all in the total.
func TestWrongClocksDoNotFloodPanes(t *testing.T) {
	for name, share := range map[string]float64{"a few": 0.01, "half": 0.5, "all": 1} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 8))
			f := newFold(t)
			const records = 5000
			most, sealed := 0, 0
			for i := range int64(records) {
				now := 1_700_000_000_000 + i
				switch u := rng.Float64(); {
				case u < share/2:
					now = rng.Int64N(365 * 24 * 3600 * 1000) // 1970.
				case u < share:
					now = 4_102_444_800_000 + rng.Int64N(365*24*3600*1000) // 2100.
				}
				f.Batch(stream.Batch{Records: []stream.Record{{Offset: i, Time: now, Value: floats(1, 2)}}, Next: i + 1})
				most = max(most, len(f.open))
				sealed += f.Unsaved()
				f.sealed = nil
			}
			if most > 16 {
				t.Errorf("%d panes were open", most)
			}
			if share == 0.01 && sealed < records/10-50 {
				t.Errorf("%d panes were sealed: a few wrong clocks stopped the others", sealed)
			}
			s := f.Cut().State
			if n := s.Total().Count(); n != records {
				t.Errorf("%d of %d records are in the total", n, records)
			}
			if s.Late+s.Early == 0 {
				t.Error("no record was counted late or early")
			}
		})
	}
}

// TestOutOfOrderRecordsWithinLateness: any order within the lateness gives the same panes.
func TestOutOfOrderRecordsWithinLateness(t *testing.T) {
	const records = 5000
	fold := func(shuffle int) (panes map[int64]*sketch.Accumulator) {
		rng := rand.New(rand.NewPCG(9, uint64(shuffle)))
		times := make([]int64, records)
		for i := range times {
			times[i] = 1_000_000 + int64(i)
		}
		for i := 0; shuffle > 0 && i+shuffle <= records; i += shuffle {
			rng.Shuffle(shuffle, func(a, b int) { times[i+a], times[i+b] = times[i+b], times[i+a] })
		}
		f := newFold(t)
		panes = map[int64]*sketch.Accumulator{}
		for i, ms := range times {
			f.Batch(stream.Batch{Records: []stream.Record{{Offset: int64(i), Time: ms, Value: floats(math.Sin(float64(ms)), 1)}}, Next: int64(i) + 1})
		}
		c := f.Cut()
		if c.State.Late != 0 || c.State.Early != 0 {
			t.Errorf("shuffled by %d: %d late, %d early", shuffle, c.State.Late, c.State.Early)
		}
		for _, p := range c.Panes {
			panes[p.Start] = p.Accumulator
		}
		return panes
	}
	want, got := fold(0), fold(20) // The lateness is 20 ms.
	for start, a := range got {
		if want[start] != nil && !a.Equal(want[start]) {
			t.Errorf("the pane at %d depends on the order", start)
		}
	}
	if len(got) < records/10-10 {
		t.Errorf("%d panes", len(got))
	}
}

// TestSchemaChange: fields that are new, gone, renamed or of another type in mid-stream are ignored or counted, and the
// records from which a vector can be read go on.
func TestSchemaChange(t *testing.T) {
	f, err := NewFold(jsonConfig(nil), testID, 0)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	phase := func(format string) (c Counts) {
		var records []stream.Record
		for i := range int64(500) {
			records = append(records, stream.Record{Offset: next + i, Time: 1_000_000 + next + i, Value: fmt.Appendf(nil, format, float64(i%9))})
		}
		next += 500
		return f.Batch(stream.Batch{Records: records, Next: next})
	}
	for _, c := range []struct {
		format string
		folded int64
		reason decode.Reason
	}{
		{`{"a": %g, "b": 1}`, 500, decode.Accepted},
		{`{"v": 2, "new": {"a": [1]}, "b": 1, "a": %g}`, 500, decode.Accepted},
		{`{"a": "%g", "b": 1}`, 0, decode.Schema},
		{`{"temperature": %g, "b": 1}`, 0, decode.Schema},
		{`<a>%g</a>`, 0, decode.Decode},
		{`{"a": %g, "b": 1}`, 500, decode.Accepted},
	} {
		if got := phase(c.format); got.Folded != c.folded || got.Rejects[c.reason] != 500-c.folded {
			t.Errorf("%s: %d folded, rejects %v", c.format, got.Folded, got.Rejects)
		}
	}
}

// TestHugeRecord: a record of 10 MB is counted and costs no more than itself.
func TestHugeRecord(t *testing.T) {
	huge := append([]byte(`{"a": 1, "b": 2, "text": "`), make([]byte, 10<<20)...)
	for i := 26; i < len(huge); i++ {
		huge[i] = 'x'
	}
	huge = append(huge, `"}`...)
	for limit, want := range map[int]decode.Reason{0: decode.Oversize, 16 << 20: decode.Accepted} {
		f, err := NewFold(jsonConfig(func(c *decode.Config) { c.MaxBytes = limit }), testID, 0)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now().UnixMilli()
		good := stream.Record{Offset: 0, Time: began, Value: []byte(`{"a": 1, "b": 2}`)}
		c := f.Batch(stream.Batch{Records: []stream.Record{good, {Offset: 1, Time: began, Value: huge}}, Next: 2})
		if want == decode.Accepted && c.Folded != 2 || want == decode.Oversize && (c.Folded != 1 || c.Rejects[decode.Oversize] != 1) {
			t.Errorf("limit %d: %+v", limit, c)
		}
		if b, err := f.Cut().State.Encode(); err != nil || len(b) > 1<<20 {
			t.Errorf("limit %d: a state of %d bytes, %v", limit, len(b), err)
		}
	}
}

// TestRedeliveredRecordsCountOnce: batches that begin before the position, in part or as a whole, as a reader may return
// that does not begin where it was told to, change nothing but the count of duplicates.
func TestRedeliveredRecordsCountOnce(t *testing.T) {
	const records = 2000
	log := make([]stream.Record, records)
	rng := rand.New(rand.NewPCG(10, 10))
	for i := range log {
		log[i] = stream.Record{Offset: int64(i), Time: 1_000_000 + int64(i), Value: floats(rng.NormFloat64(), rng.NormFloat64())}
	}
	once, again := newFold(t), newFold(t)
	once.Batch(stream.Batch{Records: log, Next: records})
	var duplicates int64
	for again.Next() < records {
		from := max(0, again.Next()-rng.Int64N(50))
		to := min(records, from+rng.Int64N(80))
		if c := again.Batch(stream.Batch{Records: log[from:to], Next: to}); c.Folded+c.Duplicates != to-from {
			t.Fatalf("[%d, %d): %+v", from, to, c)
		} else {
			duplicates += c.Duplicates
		}
	}
	want, err := once.Cut().State.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Cut().State.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) || duplicates == 0 {
		t.Errorf("after %d duplicates the state is another", duplicates)
	}
}
