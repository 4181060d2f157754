package sketcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/stream"
	"phasor/stream/kafka"
)

// simulated is a sketcher that can be killed and stopped like a process: the store sees nothing of it any more.
type simulated struct {
	name   string
	store  *buckettest.Faulty
	client *kafka.Client
	cancel context.CancelFunc
	done   chan error
}

// kill ends a sketcher without a last save.
func (m *simulated) kill() error {
	m.store.SetPlan(func(buckettest.Operation) buckettest.Fault { return buckettest.Fail })
	return m.leave()
}

func (m *simulated) leave() error {
	m.cancel()
	err := <-m.done
	return errors.Join(err, m.client.Close())
}

func (s *scenario) store(b bucket.Bucket) *snapshot.Store {
	return snapshot.Open(b, "s").WithHooks(snapshot.Hooks{Conflict: func(name string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conflicts = append(s.conflicts, name)
	}})
}

func (s *scenario) foldConfig() FoldConfig {
	return FoldConfig{Topics: []string{s.topic}, Isolation: "read_committed", Length: 50 * time.Millisecond, Lateness: 50 * time.Millisecond, Decode: s.decode}
}

// start starts a sketcher; with static it owns all partitions, whoever else does.
func (s *scenario) start(static bool, plan func(buckettest.Operation) buckettest.Fault) *simulated {
	s.Helper()
	s.started++
	m := &simulated{name: fmt.Sprint("sketcher-", s.started), store: buckettest.NewFaulty(s.bucket, plan), done: make(chan error, 1)}
	var err error
	m.client, err = kafka.New(kafka.Config{Brokers: s.site.addrs(), ClientID: m.name, Session: 2 * time.Second, Heartbeat: 50 * time.Millisecond, Watch: 100 * time.Millisecond,
		RequestTimeout: 2 * time.Second, Fetch: kafka.Fetch{MaxWait: 50 * time.Millisecond, MaxBytes: 1 << (10 + s.rng.IntN(10))}, Hooks: kafka.Hooks{
			GroupRetry: func(_ string, err error) { s.log.Warn("group", "err", err) },
			Lost:       func(ids []stream.PartitionID) { s.log.Warn("lost", "ids", fmt.Sprint(ids)) },
			Assigned:   func(ids []stream.PartitionID) { s.log.Warn("assigned", "ids", fmt.Sprint(ids)) },
		}})
	if err != nil {
		s.Fatal(err)
	}
	svc, err := New(Config{Store: s.store(bucket.Bound(m.store, 300*time.Millisecond)), Fold: s.foldConfig(), Interval: time.Duration(10+s.rng.IntN(60)) * time.Millisecond,
		SaveTimeout: 500 * time.Millisecond, MaxUnsaved: 4 + s.rng.IntN(60), States: 2 + s.rng.IntN(4), Log: s.log.With("sketcher", s.started)})
	if err != nil {
		s.Fatal(err)
	}
	src := m.client.Group([]string{s.topic}, s.topic)
	if static {
		src = m.client.Static(map[string][]int{s.topic: nil})
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	go func() { m.done <- svc.Run(ctx, src) }()
	s.Cleanup(cancel)
	return m
}

// reap looks after sketchers that ended by themselves. They may, if objects were damaged: then the operator's part is
// done, and another one starts.
func (s *scenario) reap() {
	s.Helper()
	for i := 0; i < len(s.members); i++ {
		m := s.members[i]
		select {
		case err := <-m.done:
			s.members = append(s.members[:i], s.members[i+1:]...)
			i--
			m.cancel()
			m.client.Close()
			s.operate(err)
		default:
		}
	}
	if len(s.members) == 0 {
		s.join()
	}
}

// operate moves the objects away that a sketcher's last words name.
func (s *scenario) operate(err error) {
	s.Helper()
	if err == nil || !s.damaged || !errors.Is(err, snapshot.ErrAllCorrupt) {
		s.Fatalf("a sketcher ended by itself: %v", err)
	}
	moved := 0
	objects, lerr := s.bucket.List(context.Background(), "s/")
	if lerr != nil {
		s.Fatal(lerr)
	}
	for _, o := range objects {
		if strings.Contains(err.Error(), o.Name) {
			moved++
			if err := s.bucket.Delete(context.Background(), o.Name); err != nil {
				s.Fatal(err)
			}
		}
	}
	s.steps = append(s.steps, fmt.Sprintf("operator moves %d objects", moved))
}

// tail keeps the end of a log.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-16<<10):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
