package trainer

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"phasor/sketcher"
	"phasor/sketcher/drift"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
	"phasor/stream/decode"
	"phasor/trainer/generator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// paneLength and the record times of the tests are in milliseconds; began is where event time begins.
const (
	paneLength = 1000
	began      = int64(1_700_000_000_000)
	perPane    = 32 // Records of a partition in a pane.
)

func spec(seed uint64, features int) *feature.Spec {
	rng := rand.New(rand.NewPCG(seed, 2))
	pilot := make([]float64, 2*1000)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()
	}
	s, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: []string{"a", "b"}, Features: features, Seed: seed})
	if err != nil {
		panic(err)
	}
	return s
}

var testSpec = sync.OnceValue(func() *feature.Spec { return spec(1, 64) })

var testMap = sync.OnceValue(func() *feature.Map {
	m, err := feature.NewMap(testSpec())
	if err != nil {
		panic(err)
	}
	return m
})

// rig is a store with folds that write to it: a stream without a broker.
type rig struct {
	t      *testing.T
	bucket bucket.Bucket
	epoch  *snapshot.Epoch
	parts  []*part
}

// part is one partition of a rig.
type part struct {
	id   stream.PartitionID
	fold *sketcher.Fold
	rng  *rand.Rand
	time int64 // Event time of the next record.
	all  *sketch.Accumulator
}

func newRig(t *testing.T, partitions int, seed uint64) *rig {
	return newRigOf(t, testSpec(), partitions, seed)
}

func newRigOf(t *testing.T, sp *feature.Spec, partitions int, seed uint64) *rig {
	t.Logf("seed %d", seed)
	r := &rig{t: t, bucket: mem.New()}
	t.Cleanup(func() { r.bucket.Close() })
	e, err := r.store(r.bucket).CreateSpec(context.Background(), sp)
	r.must(err)
	r.open(e, partitions, seed)
	return r
}

// open makes the folds of an epoch.
func (r *rig) open(e *snapshot.Epoch, partitions int, seed uint64) {
	r.epoch, r.parts = e, nil
	for i := range partitions {
		p := &part{id: stream.PartitionID{Topic: "t", TopicID: "id", Partition: i}, rng: rand.New(rand.NewPCG(seed, uint64(i))), time: began, all: sketch.New(e.Map())}
		var err error
		p.fold, err = sketcher.NewFold(sketcher.FoldConfig{Map: e.Map(), Topics: []string{"t"}, Isolation: "read_committed", Length: paneLength * time.Millisecond,
			Lateness: paneLength * time.Millisecond, Decode: decode.Config{Format: "float64", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}}, p.id, 0)
		r.must(err)
		r.parts = append(r.parts, p)
	}
}

func (r *rig) store(b bucket.Bucket) *snapshot.Store { return snapshot.Open(b, "line") }

func (r *rig) must(err error) {
	if err != nil {
		r.t.Helper()
		r.t.Fatal(err)
	}
}

// quiet is the stream as the pilot saw it, shifted another one.
func quiet(rng *rand.Rand) [2]float64   { return [2]float64{rng.NormFloat64(), rng.NormFloat64()} }
func shifted(rng *rand.Rand) [2]float64 { return [2]float64{rng.NormFloat64() + 3, rng.NormFloat64()} }

// record folds one record of a partition at its time.
func (r *rig) record(p *part, x [2]float64) {
	value := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x[0])), math.Float64bits(x[1]))
	next := p.fold.Next()
	p.fold.Batch(stream.Batch{Records: []stream.Record{{Offset: next, Time: p.time, Value: value}}, Next: next + 1})
	q := make([]int32, 2)
	r.epoch.Map().Quantise(q, x[:])
	p.all.Fold(q)
}

// pane folds the records of one pane of a partition.
func (r *rig) pane(p *part, draw func(*rand.Rand) [2]float64) {
	start := p.time
	for i := range int64(perPane) {
		p.time = start + i*(paneLength/perPane)
		r.record(p, draw(p.rng))
	}
	p.time = start + paneLength
}

// panes folds n panes of every partition and saves.
func (r *rig) panes(n int, draw func(*rand.Rand) [2]float64) {
	for range n {
		for _, p := range r.parts {
			r.pane(p, draw)
		}
	}
	for _, p := range r.parts {
		r.save(p)
	}
}

func (r *rig) save(p *part) {
	ctx, cut := context.Background(), p.fold.Cut()
	for i := range cut.Panes {
		r.must(r.epoch.SavePane(ctx, &cut.Panes[i]))
	}
	r.must(r.epoch.SaveState(ctx, cut.State))
	now := time.Now().UnixMilli()
	r.live(p, snapshot.Live{Next: cut.State.Next, HighWatermark: cut.State.Next + 1, Time: now})
}

func (r *rig) live(p *part, l snapshot.Live) {
	r.must(r.epoch.SaveLive(context.Background(), snapshot.PartitionID(p.id), l))
}

// idle says that a partition has waited for an hour.
func (r *rig) idle(p *part) {
	now := time.Now().UnixMilli()
	r.live(p, snapshot.Live{Next: p.fold.Next(), HighWatermark: p.fold.Next(), Time: now, CaughtUp: now - 3_600_000})
}

func (r *rig) states() []*snapshot.State {
	states, err := r.epoch.LoadStates(context.Background())
	r.must(err)
	return states
}

func (r *rig) frontier() frontier {
	lives, err := r.epoch.LoadLives(context.Background())
	r.must(err)
	return frontierOf(r.states(), lives, cutting{paneLength, paneLength}, time.Minute)
}

// recorder keeps what the hooks said.
type recorder struct {
	mu         sync.Mutex
	refits     []string
	rolledBack []string
	served     []int
	registry   []string
	snapshots  map[string]int
	alarms     int
	saw        time.Time
	losses     []generator.Evaluation
	accepted   []bool
}

func (c *recorder) hooks() Hooks {
	locked := func(f func()) {
		c.mu.Lock()
		defer c.mu.Unlock()
		f()
	}
	c.snapshots = map[string]int{}
	return Hooks{
		Snapshots:  func(r string, n int) { locked(func() { c.snapshots[r] += n }) },
		SawUntil:   func(t time.Time) { locked(func() { c.saw = t }) },
		Loss:       func(e generator.Evaluation) { locked(func() { c.losses = append(c.losses, e) }) },
		Refit:      func(r string, _ time.Duration, _ int) { locked(func() { c.refits = append(c.refits, r) }) },
		Validated:  func(ok bool, _ map[string]float64) { locked(func() { c.accepted = append(c.accepted, ok) }) },
		RolledBack: func(t string) { locked(func() { c.rolledBack = append(c.rolledBack, t) }) },
		Served:     func(v int, _ time.Time, _ int64) { locked(func() { c.served = append(c.served, v) }) },
		Registry:   func(op string) { locked(func() { c.registry = append(c.registry, op) }) },
		Drift: func(_ DriftStatus, raised bool) {
			locked(func() {
				if raised {
					c.alarms++
				}
			})
		},
	}
}

// get reads a recorder's field under its lock.
func get[T any](c *recorder, f func() T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f()
}

// config is that of a small, quick trainer over a bucket.
func (r *rig) config(b bucket.Bucket) (Config, *recorder) {
	c := new(recorder)
	return Config{
		Store: r.store(b), Poll: 10 * time.Millisecond, Every: time.Hour, Records: 500, FalseAlarms: 1000 * paneLength * time.Millisecond,
		Fit: generator.Config{Seed: 1, Steps: 150, Hidden: 8}, Drift: drift.Options{Seed: 1, Simulations: 100}, Hooks: c.hooks(),
		Log: slog.New(slog.NewTextHandler(logWriter{r.t}, nil)),
	}, c
}

// logWriter is the test's log.
type logWriter struct{ t *testing.T }

func (w logWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b[:max(0, len(b)-1)]))
	return len(b), nil
}

// start runs a service until stop is called or the test ends.
func (r *rig) start(cfg Config) (s *Service, stop func()) {
	s, err := New(cfg)
	r.must(err)
	return s, r.run(s)
}

func (r *rig) run(s *Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// wait waits until ok holds.
func (r *rig) wait(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (r *rig) waitVersion(s *Service, version int) {
	r.t.Helper()
	r.wait("a served version", func() bool { st := s.Status(); return st.Version == version && !st.Fitting })
}

// looks waits until n looks of a service at the store have ended, the first of which may be under way.
func (r *rig) looks(s *Service, n int) {
	r.t.Helper()
	ended := func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.looks }
	before := ended()
	r.wait("looks at the store", func() bool { return ended() >= before+n })
}

func (r *rig) card(version int) Card {
	m, err := r.epoch.LoadModel(context.Background(), version)
	r.must(err)
	c, err := ReadCard(m)
	r.must(err)
	return c
}

// fit returns the file of a model that was fitted to a sketch.
func (r *rig) fit(a *sketch.Accumulator, steps int) []byte {
	target, err := generator.NewTarget(a)
	r.must(err)
	f, err := generator.NewFitter(target, generator.Config{Seed: 1, Steps: steps, Hidden: 8, Full: true}, nil)
	r.must(err)
	r.must(f.Step(steps))
	data, err := f.Model().Encode()
	r.must(err)
	return data
}
