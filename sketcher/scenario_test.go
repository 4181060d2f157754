package sketcher

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
	"phasor/stream/decode"
)

// seedFlag replays one scenario: go test ./sketcher -run Scenarios -seed 7.
var seedFlag = flag.Uint64("seed", 0, "run the scenario of this seed only")

// TestScenarios runs sketchers against an embedded Kafka while everything goes wrong in an order that the seed draws.
// In the end each partition's state must be, byte for byte, the fold of its log.
func TestScenarios(t *testing.T) {
	for _, seed := range scenarioSeeds(40, 200) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			runScenario(t, seed, newEmbeddedSite(t, seed), 10)
		})
	}
}

func scenarioSeeds(short, long int) []uint64 {
	if *seedFlag != 0 {
		return []uint64{*seedFlag}
	}
	if os.Getenv("PHASOR_LONG") == "1" {
		short = long
	}
	seeds := make([]uint64, short)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	return seeds
}

// site is the Kafka of a scenario.
type site interface {
	addrs() []string
	create(topic string, partitions int)
	crash(rng *rand.Rand) // One node ends and begins again.
	expire(group string, alive map[string]bool)
}

// scenario is a cluster, a store, a few sketchers and the misfortunes that the seed draws for them.
type scenario struct {
	*testing.T
	seed       uint64
	rng        *rand.Rand
	site       site
	topic      string
	partitions int
	decode     decode.Config
	bucket     bucket.Bucket
	writer     *scenarioWriter
	members    []*simulated
	resumes    []func()
	settling   bool
	started    int
	log        *slog.Logger
	lines      *tail

	mu        sync.Mutex
	damaged   bool // The scenario has damaged objects: sketchers may refuse to start.
	conflicts []string
	steps     []string
}

func runScenario(t *testing.T, seed uint64, site site, steps int) {
	s := &scenario{T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 77)), site: site, topic: fmt.Sprint("scenario-", seed), bucket: mem.New(), lines: new(tail)}
	s.log = slog.New(slog.NewTextHandler(s.lines, nil))
	s.partitions = 1 + s.rng.IntN(3)
	s.decode = decode.Config{Format: "json", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}, Missing: []string{"reject", "last"}[s.rng.IntN(2)]}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with: go test ./sketcher -run %s -seed %d\nsteps: %s\nlast words:\n%s", strings.SplitN(t.Name(), "/", 2)[0], seed, strings.Join(s.steps, ", "), s.lines)
		}
	})
	site.create(s.topic, s.partitions)
	if _, err := s.store(s.bucket).CreateSpec(t.Context(), testMap().Spec()); err != nil {
		t.Fatal(err)
	}
	s.writer = newScenarioWriter(s)
	s.join()
	s.writer.write(100)
	for range steps {
		s.writer.write(20 + s.rng.IntN(150))
		s.step()
		s.reap()
		time.Sleep(time.Duration(20+s.rng.IntN(130)) * time.Millisecond)
	}
	s.settle()
	s.verify()
}

// step lets one thing happen.
func (s *scenario) step() {
	type action struct {
		name   string
		weight int
		do     func()
	}
	actions := []action{
		{"join", 3, s.join},
		{"kill", 3, func() { s.end(true) }},
		{"leave", 2, func() { s.end(false) }},
		{"pause", 3, s.pause},
		{"intrude", 2, s.intrude},
		{"expand", 1, s.expand},
		{"store fails", 3, s.failStore},
		{"store heals", 1, s.heal},
		{"corrupt", 2, s.corrupt},
		{"broker crashes", 1, func() { s.site.crash(s.rng) }},
		{"abort", 2, s.writer.abort},
		{"compact", 3, s.compact},
	}
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	n := s.rng.IntN(total)
	for _, a := range actions {
		if n -= a.weight; n < 0 {
			s.steps = append(s.steps, a.name)
			a.do()
			return
		}
	}
}

// settle ends all misfortune and waits until the store has everything.
func (s *scenario) settle() {
	s.Helper()
	s.settling = true
	for _, resume := range s.resumes {
		resume()
	}
	s.heal()
	s.writer.everywhere()
	s.writer.close()
	ends := s.ends()
	e, err := s.store(s.bucket).LatestSpec(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for p, end := range ends {
		for {
			s.reap()
			s.expire()
			st, err := e.LoadState(s.Context(), snapshot.PartitionID(s.id(p)), nil)
			if err == nil && st.Next >= end {
				break
			}
			if time.Now().After(deadline) {
				s.diagnose()
				s.Fatalf("waited in vain: partition %d is at %v of %d, %v", p, st, end, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for _, m := range s.members {
		if err := m.leave(); err != nil {
			s.Errorf("a sketcher that left: %v", err)
		}
	}
	s.members = nil
	if len(s.conflicts) > 0 {
		s.Errorf("two writers said different things: %q", s.conflicts)
	}
}

// expire lets the site forget the members of the group that are no more.
func (s *scenario) expire() {
	alive := map[string]bool{}
	for _, m := range s.members {
		alive[m.name] = true
	}
	s.site.expire(s.topic, alive)
}

// newKgo returns a client that shares no code with the sketchers'.
func (s *scenario) newKgo(opts ...kgo.Opt) *kgo.Client {
	s.Helper()
	k, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.site.addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
	if err != nil {
		s.Fatal(err)
	}
	return k
}
