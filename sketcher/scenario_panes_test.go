package sketcher

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/buckettest"
)

// compact merges old panes into longer ones, as a trainer does, now and then one that dies on the way.
func (s *scenario) compact() {
	var plan func(buckettest.Operation) buckettest.Fault
	if s.rng.IntN(2) == 0 {
		plan = crashAtAny(s.rng)
	}
	s.prune(buckettest.NewFaulty(s.bucket, plan))
}

// crashAtAny is a plan by which a process dies at one of its operations, whatever it does.
func crashAtAny(rng *rand.Rand) func(buckettest.Operation) buckettest.Fault {
	n := 1 + rng.IntN(80)
	last := []buckettest.Fault{buckettest.Fail, buckettest.Done}[rng.IntN(2)]
	return func(buckettest.Operation) buckettest.Fault {
		switch n--; {
		case n > 0:
			return buckettest.None
		case n == 0:
			return last
		}
		return buckettest.Fail
	}
}

func (s *scenario) prune(b *buckettest.Faulty) (snapshot.Pruned, error) {
	e, err := s.store(b).LatestSpec(context.Background())
	if err != nil {
		return snapshot.Pruned{}, err
	}
	const century = 100 * 365 * 24 * time.Hour
	return e.Prune(context.Background(), time.UnixMilli(s.writer.now), snapshot.Retention{States: 10, Models: 1,
		Panes: []snapshot.Level{{Length: 0, Keep: time.Millisecond}, {Length: 200 * time.Millisecond, Keep: time.Second}, {Length: time.Second, Keep: century}}})
}

// verifyPanes compares what readers see of a partition's panes, long ones and short ones, with those that the fold of
// its log seals.
func (s *scenario) verifyPanes(e *snapshot.Epoch, id snapshot.PartitionID, want []snapshot.Pane) {
	s.Helper()
	refs, err := e.ListPanes(s.Context(), 0, math.MaxInt64/2)
	if err != nil {
		s.Fatal(err)
	}
	covered := 0
	for _, r := range refs {
		if r.PartitionID != id {
			continue
		}
		sum := sketch.New(testMap())
		for _, p := range want {
			if p.Start >= r.Start && p.End() <= r.End() {
				covered++
				if err := sum.Merge(p.Accumulator); err != nil {
					s.Fatal(err)
				}
			}
		}
		seen, err := e.LoadPane(s.Context(), r)
		if err != nil || !seen.Accumulator.Equal(sum) {
			s.Errorf("partition %d: the pane at %d of %d ms is not the sketch of its %d records: %v", id.Partition, r.Start, r.Length, sum.Count(), err)
		}
	}
	if covered != len(want) {
		s.Errorf("partition %d: readers see %d of %d sealed panes", id.Partition, covered, len(want))
	}
}
