//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
)

const (
	promiseTopic      = "press"
	promisePartitions = 4
	promiseChannels   = 8
)

// promise is a sketcher, as a program of its own, that is killed again and again while records come in. Whatever happens
// to it, the store must in the end hold the sketch of exactly the records of the log.
type promise struct {
	t        *testing.T
	rng      *rand.Rand
	dir      string // Of everything below.
	binary   string
	bucket   bucket.Bucket
	store    *snapshot.Store
	kafka    *kgo.Client
	feed     *feeder
	logs     []string // Files that the processes write to.
	password string   // Of the page; empty: none.
	damaged  bool     // The test damages objects: the processes may say so.
	patient  time.Duration
}

// newPromise builds the program, configures a sketch and starts to write records to the topic, which must exist. The
// sketcher is a member of a consumer group, or reads fixed partitions. With options that make the writer transactional,
// some of its transactions abort.
func newPromise(t *testing.T, brokers []string, group bool, writer ...kgo.Opt) *promise {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with: go test ./cmd/phasor -run %s -seed %d", t.Name(), seed)
	p := &promise{t: t, rng: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), patient: 2 * time.Minute}
	p.binary = filepath.Join(p.dir, "phasor")
	if out, err := exec.Command("go", "build", "-o", p.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p.configure(brokers, group)
	b, err := snapshot.OpenBucket(t.Context(), filepath.Join(p.dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	p.bucket, p.store = b, snapshot.Open(b, promiseTopic)
	if p.kafka, err = kgo.NewClient(append(writer, kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kafka.Close)
	t.Cleanup(p.showLogs)
	id, _ := p.kafka.OptValue(kgo.TransactionalID).(string)
	p.feed = newFeeder(p.kafka, rand.New(rand.NewPCG(seed, 1)), id != "")
	t.Cleanup(p.feed.cancel)
	return p
}

func (p *promise) configure(brokers []string, group bool) {
	partitions := "{}"
	if !group {
		partitions = fmt.Sprintf("{%s: [0, 1, 2, 3]}", promiseTopic)
	}
	var channels []string
	for k := range promiseChannels {
		channels = append(channels, fmt.Sprintf("{name: c%d}", k))
	}
	config := fmt.Sprintf(`
store: %s
listen: 127.0.0.1:0
snapshot: {interval: 300ms}
kafka:
  brokers: [%s]
  group: promise
  session: 2s
  heartbeat: 200ms
  fetch: {max_wait: 100ms}
sketches:
  - name: %s
    topics: [%s]
    partitions: %s
    channels: [%s]
    panes: {length: 200ms, lateness: 200ms}
    calibrate: {features: 64, pilot: 300, timeout: 1s}
`, filepath.Join(p.dir, "store"), strings.Join(brokers, ", "), promiseTopic, promiseTopic, partitions, strings.Join(channels, ", "))
	if err := os.WriteFile(p.path("phasor.yaml"), []byte(config), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *promise) path(name string) string { return filepath.Join(p.dir, name) }

// sketcherProcess is a running "phasor sketcher".
type sketcherProcess struct {
	p     *promise
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // Closed when the process is gone; then err says how.
	err   error
}

func (p *promise) start() *sketcherProcess {
	p.t.Helper()
	s := &sketcherProcess{p: p, log: p.path(fmt.Sprintf("sketcher-%02d.log", len(p.logs)+1)), ended: make(chan struct{})}
	p.logs = append(p.logs, s.log)
	f, err := os.Create(s.log)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	s.cmd = exec.Command(p.binary, "sketcher", "--config", p.path("phasor.yaml"), "--log.level", "debug")
	s.cmd.Stdout, s.cmd.Stderr = f, f
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	p.t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
	})
	return s
}

func (s *sketcherProcess) signal(sig os.Signal) {
	s.p.t.Helper()
	s.alive()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.p.t.Fatal(err)
	}
}

// alive fails the test if the process ended by itself: nothing that happens here is a reason to.
func (s *sketcherProcess) alive() {
	s.p.t.Helper()
	select {
	case <-s.ended:
		s.p.t.Fatalf("%s: the sketcher ended by itself: %v", filepath.Base(s.log), s.err)
	default:
	}
}

// kill ends the process as a crash does.
func (s *sketcherProcess) kill() {
	s.p.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// terminate ends it as an operator does: it must save, leave and report success.
func (s *sketcherProcess) terminate() {
	s.p.t.Helper()
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		if s.err != nil {
			s.p.t.Errorf("after SIGTERM: %v", s.err)
		}
	case <-time.After(s.p.patient):
		s.p.t.Fatal("the sketcher goes on after SIGTERM")
	}
}

// owns reports whether the process took partitions over.
func (s *sketcherProcess) owns() bool {
	b, err := os.ReadFile(s.log)
	return err == nil && bytes.Contains(b, []byte("partition taken over"))
}

// positions says how far each partition is durable.
func (p *promise) positions() map[int]int64 {
	p.t.Helper()
	next := map[int]int64{}
	e, err := p.store.LatestSpec(p.t.Context())
	if err != nil {
		return next // Not calibrated yet.
	}
	refs, err := e.ListStates(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range refs {
		next[r.Partition] = max(next[r.Partition], r.Next)
	}
	return next
}

// wait waits until f holds, while none of the processes may end.
func (p *promise) wait(what string, f func() bool, alive ...*sketcherProcess) {
	p.t.Helper()
	for deadline := time.Now().Add(p.patient); !f(); time.Sleep(20 * time.Millisecond) {
		for _, s := range alive {
			s.alive()
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited %v in vain for: %s (durable: %v)", p.patient, what, p.positions())
		}
	}
}

// progress waits until some partition, or every partition, is durable beyond where it stands now.
func (p *promise) progress(every bool, alive ...*sketcherProcess) {
	p.t.Helper()
	before := p.positions()
	p.wait("progress", func() bool {
		now, moved := p.positions(), 0
		for part := range promisePartitions {
			if now[part] > before[part] {
				moved++
			}
		}
		return moved == promisePartitions || moved > 0 && !every
	}, alive...)
}

// pause lets the processes run for a random time.
func (p *promise) pause(most time.Duration) { time.Sleep(time.Duration(p.rng.Int64N(int64(most)))) }

// crash kills a sketcher at a random moment: while it starts, joins or calibrates, while it folds, or in the middle of a
// save, as soon as one of the objects of the save is there.
func (p *promise) crash(s *sketcherProcess) {
	p.t.Helper()
	switch p.rng.IntN(3) {
	case 0:
		p.pause(1500 * time.Millisecond)
	case 1:
		p.progress(false, s)
		p.pause(400 * time.Millisecond)
	case 2:
		p.progress(false, s)
		p.awaitObject(s)
	}
	s.kill()
}

// awaitObject returns at once when something new stands in the store.
func (p *promise) awaitObject(s *sketcherProcess) {
	p.t.Helper()
	before := p.objects()
	for deadline := time.Now().Add(p.patient); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for name := range p.objects() {
			if !before[name] {
				return
			}
		}
		s.alive()
	}
	p.t.Fatalf("waited %v in vain for a save", p.patient)
}

// objects are the names in the store.
func (p *promise) objects() map[string]bool {
	p.t.Helper()
	list, err := p.bucket.List(p.t.Context(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	names := make(map[string]bool, len(list))
	for _, o := range list {
		names[o.Name] = true
	}
	return names
}

// finish stops the records, lets s fold them to the end of the log, and ends it in good order.
func (p *promise) finish(s *sketcherProcess) {
	p.t.Helper()
	p.feed.stop(p.t)
	// The marker of the last transaction may be written after it was committed, and so after the ends were asked for.
	want := p.ends()
	p.wait(fmt.Sprintf("the end of the log, %v", want), func() bool { return p.reached(want) }, s)
	s.terminate()
}

// ends are the ends of the partitions' logs.
func (p *promise) ends() map[int]int64 {
	p.t.Helper()
	listed, err := kadm.NewClient(p.kafka).ListEndOffsets(p.t.Context(), promiseTopic)
	if err != nil {
		p.t.Fatal(err)
	}
	ends := map[int]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[int(o.Partition)] = o.Offset })
	return ends
}

// reached reports whether everything below ends is durable.
func (p *promise) reached(ends map[int]int64) bool {
	have := p.positions()
	for partition, end := range ends {
		if have[partition] < end {
			return false
		}
	}
	return true
}

// showLogs shows the ends of the last logs of a test that failed, and fails the test if a log tells of a conflict: two
// processes that say different things of one stretch of the log.
func (p *promise) showLogs() {
	for i, name := range p.logs {
		b, err := os.ReadFile(name)
		if err != nil {
			p.t.Error(err)
		}
		if bytes.Contains(b, []byte("exists with other bytes")) || bytes.Contains(b, []byte("corrupt object")) && !p.damaged || bytes.Contains(b, []byte("panic:")) {
			p.t.Errorf("%s tells of a conflict, of corruption or of a panic", filepath.Base(name))
		}
		if p.t.Failed() && i >= len(p.logs)-3 {
			p.t.Logf("end of %s:\n%s", filepath.Base(name), b[max(0, len(b)-4<<10):])
		}
	}
}

// feeder writes records without a pause until it is stopped. Its producer is idempotent, so that every record is in the
// log once, whatever happens to the broker.
type feeder struct {
	k       *kgo.Client
	rng     *rand.Rand
	began   time.Time
	n       int          // Records made.
	perTick atomic.Int64 // Records that are written fifty times a second.
	cancel  context.CancelFunc
	done    chan struct{}

	mu      sync.Mutex
	written map[string]int // Values that are in the log, and how often; tombstones as "".
	err     error
}

func newFeeder(k *kgo.Client, rng *rand.Rand, transactions bool) *feeder {
	ctx, cancel := context.WithCancel(context.Background())
	f := &feeder{k: k, rng: rng, began: time.Now(), cancel: cancel, done: make(chan struct{}), written: map[string]int{}}
	f.perTick.Store(20)
	go func() {
		defer close(f.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				f.fail(k.Flush(context.Background()))
				return
			case <-tick.C:
			}
			if transactions {
				f.transaction()
				continue
			}
			for range f.perTick.Load() {
				k.Produce(context.Background(), f.record(), func(r *kgo.Record, err error) {
					f.fail(err)
					f.count(r)
				})
			}
		}
	}()
	return f
}

// record makes the next record. Its time is of one clock that never goes back, so that no record is late.
func (f *feeder) record() *kgo.Record {
	f.n++
	return &kgo.Record{Topic: promiseTopic, Partition: int32(f.rng.IntN(promisePartitions)), Value: promiseValue(f.rng, f.n), Timestamp: f.began.Add(time.Since(f.began))}
}

// transaction writes a few records that become visible together, or never.
func (f *feeder) transaction() {
	ctx := context.Background()
	if err := f.k.BeginTransaction(); err != nil {
		f.fail(err)
		return
	}
	records := make([]*kgo.Record, 1+f.rng.IntN(60))
	for i := range records {
		records[i] = f.record()
	}
	f.fail(f.k.ProduceSync(ctx, records...).FirstErr())
	try := kgo.TransactionEndTry(f.rng.IntN(4) > 0)
	f.fail(f.k.EndTransaction(ctx, try))
	if try == kgo.TryCommit {
		f.count(records...)
	}
}

func (f *feeder) count(records ...*kgo.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range records {
		f.written[string(r.Value)]++
	}
}

// total is the number of records that are in the log.
func (f *feeder) total() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, times := range f.written {
		n += times
	}
	return n
}

func (f *feeder) fail(err error) {
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.err = err
	}
}

func (f *feeder) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	<-f.done
	if f.err != nil {
		t.Fatalf("writing records: %v", f.err)
	}
}

// promiseValue is the n-th record: a vector in one of the ways in which JSON can write it, or now and then poison.
func promiseValue(rng *rand.Rand, n int) []byte {
	regime := 3 * float64(n/5000%2)
	x := make([]string, promiseChannels)
	for k := range x {
		x[k] = strconv.FormatFloat(regime+float64(k+1)*rng.NormFloat64(), "eg"[rng.IntN(2)], -1, 64)
	}
	if rng.IntN(100) == 0 {
		k := rng.IntN(promiseChannels)
		switch rng.IntN(6) {
		case 0:
			return nil
		case 1:
			return fmt.Appendf(nil, `{"n": %d, "c0": `, n)
		case 2:
			return fmt.Appendf(nil, `{"n": %d, "c0": 1}`, n)
		case 3:
			x[k] = `"text"`
		case 4:
			x[k] = "null"
		case 5:
			x[k] = "1e999"
		}
	}
	order := rng.Perm(promiseChannels)
	if rng.IntN(10) > 0 {
		slices.Sort(order)
	}
	b := fmt.Appendf(nil, `{"n": %d`, n)
	for _, k := range order {
		b = fmt.Appendf(b, `, "c%d": %s`, k, x[k])
	}
	return append(b, '}')
}

// promiseVector reads a record with the standard library; reason is why it cannot be folded, or empty.
func promiseVector(value []byte) (x []float64, reason string) {
	if value == nil {
		return nil, "tombstone"
	}
	var record map[string]json.RawMessage
	if json.Unmarshal(value, &record) != nil {
		return nil, "decode"
	}
	for k := range promiseChannels {
		raw := record[fmt.Sprint("c", k)]
		var number json.Number
		if raw == nil || raw[0] == '"' || json.Unmarshal(raw, &number) != nil || number == "" {
			return nil, "schema"
		}
		v, err := number.Float64()
		if err != nil {
			return nil, "nonfinite"
		}
		x = append(x, v)
	}
	return x, ""
}
