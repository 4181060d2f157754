package snapshot_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
)

// calibrate returns a small spec: m = 32, d = 2.
func calibrate(seed uint64) (*feature.Spec, error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	pilot := make([]float64, 2*400)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()*3 + 20*float64(i%2)
	}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: []string{"temperature", "pressure \"bar\" <°>"}, Features: 32, Seed: seed})
	return spec, err
}

func newSpec(t testing.TB, seed uint64) *feature.Spec {
	t.Helper()
	spec, err := calibrate(seed)
	must(t, err)
	return spec
}

var calibrateShared = sync.OnceValues(func() (*feature.Spec, error) { return calibrate(7) })

func sharedSpec(t testing.TB) *feature.Spec {
	t.Helper()
	spec, err := calibrateShared()
	must(t, err)
	return spec
}

func sharedMap(t testing.TB) *feature.Map {
	t.Helper()
	m, err := feature.NewMap(sharedSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fold returns the accumulator of n records drawn with a seed.
func fold(m *feature.Map, seed uint64, n int) *sketch.Accumulator {
	rng := rand.New(rand.NewPCG(seed, 2))
	a := sketch.New(m)
	q := make([]int32, m.Dim())
	for range n {
		for k := range q {
			q[k] = int32(min(max(rng.NormFloat64()*feature.Unit, -feature.Limit), feature.Limit))
		}
		a.Fold(q)
	}
	return a
}

var testFold = snapshot.Fold{{Key: "map", Value: "m"}, {Key: "topics", Value: "press.sensors"}, {Key: "missing", Value: "last"}, {Key: "pane", Value: "60000"}}

func partition(n int) snapshot.PartitionID {
	return snapshot.PartitionID{Topic: "press.sensors", TopicID: "x_-Zk0aSQ2a1b2c3d4e5fg", Partition: n}
}

// stateAt is a state that is a function of its partition and of next, as a fold's is.
func stateAt(m *feature.Map, p snapshot.PartitionID, next int64) *snapshot.State {
	const minute = 60000
	s := &snapshot.State{
		PartitionID: p, Start: 3, Next: next,
		Watermark: 1700000040000 + next, Recent: []int64{1700000040000 + next, 1700000040001 + next},
		Sealed:  fold(m, uint64(p.Partition), int(next%40)+1),
		Open:    map[int64]*sketch.Accumulator{1700000040000: fold(m, uint64(next), 5), 1700000040000 + minute: fold(m, uint64(next)+1, 2)},
		Rejects: map[string]int64{"schema": 2, "decode": next}, Late: 4, Early: 1, Missing: 9,
		Gaps:       []snapshot.Gap{{From: 10, To: 12, Reason: "retention"}},
		LastOffset: next - 1, LastHash: [32]byte{1, 2, 3, byte(next)}, Decoder: []byte("decoder"), Fold: testFold,
	}
	for i := range next % 50 {
		s.Side.Add(i, uint64(i)*0x9e3779b97f4a7c15)
	}
	return s
}

// recorder counts what the hooks are told.
type recorder struct {
	mu                  sync.Mutex
	corrupt, conflict   []string
	lost                []snapshot.PaneRef
	compacted, failures int
}

func (r *recorder) hooks() snapshot.Hooks {
	return snapshot.Hooks{
		Corrupt: func(name string, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.corrupt = append(r.corrupt, name)
		},
		Lost: func(p snapshot.PaneRef) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.lost = append(r.lost, p)
		},
		Conflict: func(name string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.conflict = append(r.conflict, name)
		},
		Compaction: func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if err != nil {
				r.failures++
			} else {
				r.compacted++
			}
		},
	}
}

// open returns the first epoch of the sketch "line" in b, with hooks.
func open(t testing.TB, b bucket.Bucket, h snapshot.Hooks) *snapshot.Epoch {
	t.Helper()
	e, err := snapshot.Open(b, "line").WithHooks(h).CreateSpec(t.Context(), sharedSpec(t))
	must(t, err)
	return e
}

func newEpoch(t testing.TB) (*snapshot.Epoch, bucket.Bucket, *recorder) {
	t.Helper()
	b, r := mem.New(), new(recorder)
	return open(t, b, r.hooks()), b, r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func encode(t testing.TB, s interface{ Encode() ([]byte, error) }) []byte {
	t.Helper()
	b, err := s.Encode()
	must(t, err)
	return b
}

func names(t testing.TB, b bucket.Bucket, prefix string) []string {
	t.Helper()
	objects, err := b.List(context.Background(), prefix)
	must(t, err)
	var list []string
	for _, o := range objects {
		list = append(list, o.Name)
	}
	return list
}

const all = math.MaxInt64

func stateName(p snapshot.PartitionID, next int64) string {
	return fmt.Sprintf("line/0001/state/%s.%s/%d/%020d", p.Topic, p.TopicID, p.Partition, next)
}

func paneAt(m *feature.Map, p snapshot.PartitionID, start, length int64) *snapshot.Pane {
	return &snapshot.Pane{PaneRef: snapshot.PaneRef{PartitionID: p, Start: start, Length: length}, Accumulator: fold(m, uint64(start), 3)}
}
