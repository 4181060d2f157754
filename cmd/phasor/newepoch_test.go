package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/snapshot"
	"phasor/stream/embedded"
)

// recalibration is a stream that leaves its calibrated range, and the three roles that run beside it.
type recalibration struct {
	t      *testing.T
	rng    *rand.Rand
	client *kgo.Client
	dir    string
	config string
	store  *snapshot.Store
	sent   [2]int64
	clock  time.Time
}

// role is a role that runs in this process.
type role struct {
	t    *testing.T
	addr string
	stop context.CancelFunc
	done chan error
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (r *recalibration) start(name string) *role {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, stop := context.WithCancel(context.Background())
	p := &role{t: r.t, addr: addr, stop: stop, done: make(chan error, 1), log: &lockedBuffer{}}
	go func() {
		p.done <- run(ctx, []string{name, "--config", r.config, "--listen", addr}, strings.NewReader(""), io.Discard, p.log)
	}()
	r.t.Cleanup(func() {
		stop()
		if r.t.Failed() {
			r.t.Logf("%s:\n%s", name, p.log.String())
		}
	})
	return p
}

// end stops a role as SIGTERM does.
func (p *role) end() {
	p.t.Helper()
	p.stop()
	if err := <-p.done; err != nil && !strings.Contains(err.Error(), "interrupted") {
		p.t.Errorf("the role ended with %v", err)
	}
}

// sum adds up the series of a family.
func (p *role) sum(name string) float64 {
	p.t.Helper()
	res, err := http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	total := 0.0
	if f := all[name]; f != nil {
		for _, v := range (&family{f}).values() {
			total += v
		}
	}
	return total
}

// clampedPerRecord is what PhasorCalibrationStale watches.
func (p *role) clampedPerRecord() float64 {
	return p.sum("phasor_sketcher_values_clamped_total") / p.sum("phasor_sketcher_records_total")
}

// served is the epoch and version that serve answers with; an answer that is none fails the test once there was one.
func (p *role) served() (epoch, version int) {
	res, err := http.Get("http://" + p.addr + "/v1/model")
	if err != nil {
		return 0, 0
	}
	defer res.Body.Close()
	var v struct{ Epoch, Version int }
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&v) != nil {
		return 0, 0
	}
	return v.Epoch, v.Version
}

func (r *recalibration) wait(what string, f func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// produce writes n records around a level to each partition, 20 ms of event time apart.
func (r *recalibration) produce(n int, level, spread float64) {
	r.t.Helper()
	var records []*kgo.Record
	for range n {
		r.clock = r.clock.Add(20 * time.Millisecond)
		for p := range 2 {
			records = append(records, &kgo.Record{Topic: "press", Partition: int32(p), Timestamp: r.clock,
				Value: fmt.Appendf(nil, `{"a":%.4f,"b":%.4f}`, level+spread*r.rng.NormFloat64(), spread*r.rng.NormFloat64())})
		}
	}
	if err := r.client.ProduceSync(r.t.Context(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
	r.sent[0] += int64(n)
	r.sent[1] += int64(n)
}

// states are the newest of an epoch, by partition; nil if they are not all there.
func (r *recalibration) states(epoch int) []*snapshot.State {
	r.t.Helper()
	e, err := r.store.OpenEpoch(r.t.Context(), epoch)
	if err != nil {
		return nil
	}
	states, err := e.LoadStates(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(states) != 2 {
		return nil
	}
	return states
}

func (r *recalibration) folded(epoch int) bool {
	s := r.states(epoch)
	return s != nil && s[0].Next == r.sent[0] && s[1].Next == r.sent[1]
}

func (r *recalibration) command(args ...string) string {
	r.t.Helper()
	return said(r.t, append(args, "--store", filepath.Join(r.dir, "store"), "--name", "press")...)
}

// A new epoch: the sketchers move over at the recorded offsets and leave nothing out, the trainer fits anew, the past
// stays readable, serve answers all the time, and the alert ends. Then the way back.
func TestNewEpoch(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with: go test ./cmd/phasor -run %s -seed %d", t.Name(), seed)
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{"press": 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	r := &recalibration{t: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), clock: time.Now().Add(-10 * time.Minute)}
	if r.client, err = kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	r.config = file(t, fmt.Sprintf(`store: %s
kafka: {brokers: [%s], session: 2s, heartbeat: 200ms, fetch: {max_wait: 100ms}}
snapshot: {interval: 200ms}
idle: {timeout: 1s}
serve: {poll: 50ms}
sketches:
  - topics: [press]
    channels: [{name: a}, {name: b}]
    panes: {length: 1s, lateness: 1s}
    calibrate: {features: 64, pilot: 500, timeout: 1s}
    fit: {every: 500ms, budget: 300ms, records: 200}
    drift: {reference: 1h}
`, filepath.Join(r.dir, "store"), strings.Join(b.Addrs(), ", ")))
	bucket, err := snapshot.OpenBucket(t.Context(), filepath.Join(r.dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	r.store = snapshot.Open(bucket, "press")

	// The stream as it was calibrated, and then in other units.
	r.produce(1000, 20, 1)
	sketcher, trainer, serve := r.start("sketcher"), r.start("trainer"), r.start("serve")
	r.wait("the first model", func() bool { e, v := serve.served(); return e == 1 && v >= 1 })
	r.wait("the first records", func() bool { return r.folded(1) })
	if c := sketcher.clampedPerRecord(); c > 0.01 {
		t.Errorf("%v values a record are clamped before anything changed", c)
	}
	r.produce(1000, 20000, 1000)
	r.wait("the records of the new range", func() bool { return r.folded(1) })
	if c := sketcher.clampedPerRecord(); c <= 0.01 {
		t.Fatalf("%v values a record are clamped: PhasorCalibrationStale would not speak", c)
	}

	// Calibrated anew, with the old sketcher still at work.
	said(t, "calibrate", "--config", r.config, "--new-epoch", "--pilot", "500", "--out", filepath.Join(r.dir, "spec"))
	second, err := r.store.OpenEpoch(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	moved := r.sent
	for _, s := range r.states(1) {
		if at, err := second.LoadStart(t.Context(), s.PartitionID); err != nil || at != moved[s.Partition] {
			t.Errorf("partition %d of the new epoch begins at %d, want %d: %v", s.Partition, at, moved[s.Partition], err)
		}
	}
	r.produce(500, 20000, 1000)
	r.wait("the old sketcher to go on in its epoch", func() bool { return r.folded(1) })
	r.wait("the trainer to turn to the new epoch", func() bool { return strings.Contains(trainer.log.String(), "new epoch") })
	for range 20 { // Longer than serve takes to look.
		if e, v := serve.served(); e != 1 || v < 1 {
			t.Errorf("serve answers with version %d of epoch %d although the new one has no model", v, e)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if alarm := trainer.sum("phasor_drift_alarm"); alarm != 0 {
		t.Errorf("phasor_drift_alarm is %v in an epoch without a pane", alarm)
	}

	// Sketchers that start now fold into the new epoch what came since.
	sketcher.end()
	before := r.command("history", "--epoch", "1", "--json")
	last := r.states(1)
	sketcher = r.start("sketcher")
	r.produce(1000, 20000, 1000)
	r.wait("the records since the change in the new epoch", func() bool { return r.folded(2) })
	for _, s := range r.states(2) {
		if want := r.sent[s.Partition] - moved[s.Partition]; s.Start != moved[s.Partition] || s.Count() != want || len(s.Gaps) > 0 {
			t.Errorf("partition %d: %d records from offset %d on, gaps %v; want %d from %d", s.Partition, s.Count(), s.Start, s.Gaps, want, moved[s.Partition])
		}
	}
	if c := sketcher.clampedPerRecord(); c > 0.01 {
		t.Errorf("%v values a record are clamped in the new epoch: PhasorCalibrationStale would go on", c)
	}
	answered := true
	r.wait("serve to turn to the model of the new epoch", func() bool {
		e, _ := serve.served()
		answered = answered && e > 0
		return e == 2
	})
	if !answered {
		t.Error("serve had no answer while the epochs changed")
	}
	if d := trainer.sum("phasor_trainer_model_published_timestamp_seconds"); time.Since(time.Unix(int64(d), 0)) > 5*time.Minute {
		t.Errorf("the model was published at %v: PhasorModelStale would speak", d)
	}

	// The past of the old epoch is as it was, and can be merged.
	if after := r.command("history", "--epoch", "1", "--json"); after != before || !strings.Contains(after, `"epoch":1`) {
		t.Errorf("the history of the old epoch was\n%s and is\n%s", before, after)
	}
	if now := r.command("history", "--json"); !strings.Contains(now, `"epoch":2`) || now == before {
		t.Errorf("the history of the new epoch is %s", now)
	}
	r.command("history", "--epoch", "1", "--out", filepath.Join(r.dir, "past"))
	if text := said(t, "inspect", "--json", "--spec", filepath.Join(r.dir, "store/press/0001/spec"), filepath.Join(r.dir, "past")); !strings.Contains(text, `"records":`) {
		t.Errorf("%s", text)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"history", "--epoch", "3", "--store", filepath.Join(r.dir, "store"), "--name", "press"}, nil, &out, &out); exitCode(err) != 1 || !strings.Contains(out.String(), "has no epoch 3: the newest is 2") {
		t.Errorf("%v %s", err, out.String())
	}

	// Back to the old epoch: its folder moved away, its states go on where they stood.
	sketcher.end()
	if err := os.Rename(filepath.Join(r.dir, "store/press/0002"), filepath.Join(r.dir, "0002")); err != nil {
		t.Fatal(err)
	}
	sketcher = r.start("sketcher")
	r.wait("the old epoch to catch up", func() bool { return r.folded(1) })
	for i, s := range r.states(1) {
		if s.Start != last[i].Start || s.Side.Count != r.sent[s.Partition] || len(s.Gaps) > 0 {
			t.Errorf("partition %d: %d records from %d on, gaps %v; want %d from %d", s.Partition, s.Side.Count, s.Start, s.Gaps, r.sent[s.Partition], last[i].Start)
		}
	}
	r.wait("serve to go back", func() bool { e, _ := serve.served(); return e == 1 })
	for _, p := range []*role{sketcher, trainer, serve} {
		p.end()
	}

	// Two in a row, without a sketcher in between: the second begins where the first does, not at the start of the log.
	for number := 2; number <= 3; number++ {
		said(t, "calibrate", "--config", r.config, "--new-epoch", "--pilot", "500", "--out", filepath.Join(r.dir, "spec"))
		e, err := r.store.OpenEpoch(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.states(1) {
			if at, err := e.LoadStart(t.Context(), s.PartitionID); err != nil || at != r.sent[s.Partition] {
				t.Errorf("partition %d of epoch %d begins at %d, want %d: %v", s.Partition, number, at, r.sent[s.Partition], err)
			}
		}
	}
}
