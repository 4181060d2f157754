package trainer

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
	"phasor/stream/decode"
)

// past is one partition's log with a fold of it that can begin again from any state.
type past struct {
	*rig
	cfg     sketcher.FoldConfig
	id      stream.PartitionID
	records []pastRecord
}

type pastRecord struct {
	time int64
	x    [2]float64
}

// minutes of panes is what the default retention merges into hours and days.
const minute = int64(60_000)

func newPast(t *testing.T, seed uint64) *past {
	p := &past{rig: newRig(t, 1, seed)}
	p.id = p.parts[0].id
	p.cfg = sketcher.FoldConfig{Map: p.epoch.Map(), Topics: []string{"t"}, Isolation: "read_committed", Length: time.Minute, Lateness: time.Minute,
		Decode: decode.Config{Format: "float64", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}}
	return p
}

func (p *past) fold() *sketcher.Fold {
	f, err := sketcher.NewFold(p.cfg, p.id, 0)
	p.must(err)
	return f
}

// take folds the next records of the log, up to an offset.
func (p *past) take(f *sketcher.Fold, to int64) {
	for next := f.Next(); next < to; next++ {
		r := p.records[next]
		value := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(r.x[0])), math.Float64bits(r.x[1]))
		f.Batch(stream.Batch{Records: []stream.Record{{Offset: next, Time: r.time, Value: value}}, Next: next + 1})
	}
}

// write saves what a cut holds to an epoch, panes first.
func (p *past) write(e *snapshot.Epoch, f *sketcher.Fold) error {
	cut := f.Cut()
	for i := range cut.Panes {
		if err := e.SavePane(p.t.Context(), &cut.Panes[i]); err != nil {
			return err
		}
	}
	f.Saved(cut.Panes)
	return e.SaveState(p.t.Context(), cut.State)
}

func (p *past) openOn(b bucket.Bucket) *snapshot.Epoch {
	e, err := p.store(b).LatestSpec(p.t.Context())
	p.must(err)
	return e
}

// The panes of any interval hold its records, integer by integer, less those that were counted late or early.
func TestIntervalsHoldTheirRecords(t *testing.T) {
	t.Parallel()
	const seed, n = 51, 3000
	p := newPast(t, seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	for i := range int64(n) {
		at := began - began%minute + i*minute/40 + rng.Int64N(2*minute) - minute
		if rng.IntN(50) == 0 {
			at -= 4 * minute // Late.
		}
		if rng.IntN(400) == 0 {
			at += 1000 * minute // A clock that is wrong.
		}
		p.records = append(p.records, pastRecord{at, quiet(rng)})
	}
	f := p.fold()
	kept := make([]bool, n) // Neither late nor early when it was folded.
	var apart int64
	for i := range int64(n) {
		p.take(f, i+1)
		cut := f.Cut()
		for i := range cut.Panes {
			p.must(p.epoch.SavePane(t.Context(), &cut.Panes[i]))
		}
		f.Saved(cut.Panes)
		kept[i] = cut.State.Late+cut.State.Early == apart
		apart = cut.State.Late + cut.State.Early
	}
	if apart < 20 {
		t.Fatalf("only %d records were late or early", apart)
	}
	whole := began - began%minute
	for range 30 {
		from := whole + minute*rng.Int64N(60)
		to := from + minute*(1+rng.Int64N(20))
		if last := whole + (n/40-8)*minute; to > last {
			to = max(last, from+minute)
		}
		want := sketch.New(p.epoch.Map())
		q := make([]int32, 2)
		for i, r := range p.records {
			if kept[i] && r.time >= from && r.time < to {
				p.epoch.Map().Quantise(q, r.x[:])
				want.Fold(q)
			}
		}
		got, err := p.epoch.MergeRange(t.Context(), from, to)
		p.must(err)
		if got == nil || !got.Equal(want) {
			t.Errorf("minutes %d to %d: %v records, wanted %d", (from-whole)/minute, (to-whole)/minute, count(got), want.Count())
		}
	}
}

func count(a *sketch.Accumulator) int64 {
	if a == nil {
		return 0
	}
	return a.Count()
}

// Compaction that is killed at any operation, with a sketcher that then begins again from the oldest state that is
// kept, leaves the same bytes in the end as if nothing had happened.
func TestKilledCompactionLeavesTheSameBytes(t *testing.T) {
	t.Parallel()
	const seed, perMinute, minutes = 52, 4, 200
	p := newPast(t, seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	start := began - began%(60*minute)
	for i := range int64(perMinute * minutes) {
		p.records = append(p.records, pastRecord{start + i*minute/perMinute, quiet(rng)})
	}
	f := p.fold()
	for to := int64(100); to <= perMinute*minutes; to += 100 {
		p.take(f, to)
		p.must(p.write(p.epoch, f))
	}
	retention := snapshot.DefaultRetention()
	retention.States = 3
	now := time.UnixMilli(start).Add(3 * 24 * time.Hour)
	source := contents(p.rig, p.bucket)
	copied := func() bucket.Bucket {
		b := mem.New()
		for name, data := range source {
			p.must(b.Put(t.Context(), name, data))
		}
		return b
	}
	// finish is what comes after a kill: the sketcher resumes from the oldest state, writes what it has to again, and
	// retention runs until nothing is left to do.
	finish := func(b bucket.Bucket) map[string][]byte {
		e := p.openOn(b)
		s := p.oldest(b)
		again, err := sketcher.Resume(p.cfg, s)
		p.must(err)
		p.take(again, perMinute*minutes)
		p.must(p.write(e, again))
		for range 4 {
			_, err := e.Prune(t.Context(), now, retention)
			p.must(err)
		}
		return contents(p.rig, b)
	}
	want := finish(copied())
	for n := 0; ; n++ {
		b := copied()
		faulty := buckettest.NewFaulty(b, buckettest.CrashAt(n, buckettest.Fail))
		e, err := p.store(faulty).LatestSpec(t.Context())
		for range 2 { // Hours are made, then their minutes removed.
			if err == nil {
				_, err = e.Prune(t.Context(), now, retention)
			}
		}
		got := finish(b)
		if len(got) != len(want) {
			t.Errorf("killed at operation %d: %d objects, wanted %d", n, len(got), len(want))
		}
		for name, data := range want {
			if !bytes.Equal(got[name], data) {
				t.Errorf("killed at operation %d: %s differs", n, name)
			}
		}
		if err == nil {
			t.Logf("seed %d, killed at each of %d operations", seed, n)
			if n < 20 {
				t.Errorf("compaction has %d operations: it did nothing", n)
			}
			return
		}
	}
}

// A month of panes a minute long takes no more room than its first days: in the store, in the state and in the trainer.
func TestMemoryIsConstantOverAMonth(t *testing.T) {
	t.Parallel()
	days := int64(4)
	if os.Getenv("PHASOR_LONG") == "1" {
		days = 30
	}
	const seed, perMinute = 53, 2
	p := newPast(t, seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	cfg, _ := p.config(p.bucket)
	cfg.Drift.MinRecords, cfg.Drift.Simulations = 2, 20
	cfg = cfg.withDefaults()
	m := newMonitor(p.epoch.Map(), &cfg, cutting{minute, minute})
	f := p.fold()
	start := began - began%(1440*minute)
	var state, panes, objects []int
	for day := range days {
		for h := range int64(24) {
			for i := range int64(60 * perMinute) {
				p.records = append(p.records, pastRecord{start + (day*24+h)*60*minute + i*minute/perMinute, quiet(rng)})
				if i%100 == 99 || i == 60*perMinute-1 {
					p.take(f, int64(len(p.records)))
					p.must(p.write(p.epoch, f))
				}
			}
		}
		now := time.UnixMilli(start + (day+1)*1440*minute)
		for range 2 { // The second removes what the first has merged.
			_, err := p.epoch.Prune(t.Context(), now, snapshot.DefaultRetention())
			p.must(err)
		}
		p.must(p.epoch.EachPane(t.Context(), start+day*1440*minute, start+(day+1)*1440*minute, func(pane *snapshot.Pane) error {
			_, err := m.push(timedPane{pane.Start, pane.Accumulator})
			return err
		}))
		all := contents(p.rig, p.bucket)
		objects = append(objects, len(all))
		encoded, err := f.Cut().State.Encode()
		p.must(err)
		state = append(state, len(encoded))
		panes = append(panes, len(m.ref)+len(m.after))
	}
	t.Logf("seed %d, %d days: bytes of a state %v, objects in the store %v, panes in the trainer %v", seed, days, state, objects, panes)
	last := len(state) - 1
	if float64(state[last]) > 1.1*float64(state[0]) {
		t.Errorf("a state grew from %d to %d bytes", state[0], state[last])
	}
	// The reference's and, while an alarm is latched, as many since the change.
	if panes[last] > 2*MaxReference {
		t.Errorf("the trainer holds %d panes", panes[last])
	}
	// Two days of minutes, and an hour's pane for each hour before: it grows by 24 a day.
	if most := 2*1440 + 3*60 + 24*int(days) + 100; objects[last] > most {
		t.Errorf("the store holds %d objects, at most %d are wanted", objects[last], most)
	}
}

// oldest is the oldest state in a bucket.
func (p *past) oldest(b bucket.Bucket) *snapshot.State {
	all := contents(p.rig, b)
	first := ""
	for name := range all {
		if strings.Contains(name, "/state/") && (first == "" || name < first) {
			first = name
		}
	}
	alone := mem.New()
	defer alone.Close()
	for name, data := range all {
		if !strings.Contains(name, "/state/") || name == first {
			p.must(alone.Put(p.t.Context(), name, data))
		}
	}
	states, err := p.openOn(alone).LoadStates(p.t.Context())
	p.must(err)
	if len(states) != 1 {
		p.t.Fatalf("%d states where one was left", len(states))
	}
	return states[0]
}

// contents are all objects of a bucket but the advisory ones.
func contents(r *rig, b bucket.Bucket) map[string][]byte {
	objects, err := b.List(r.t.Context(), "")
	r.must(err)
	all := map[string][]byte{}
	for _, o := range objects {
		data, err := b.Get(r.t.Context(), o.Name)
		r.must(err)
		all[o.Name] = data
	}
	return all
}
