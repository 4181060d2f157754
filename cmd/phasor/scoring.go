package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"phasor/metrics"
	"phasor/stream"
	"phasor/stream/kafka"
	"phasor/trainer/score"
	"phasor/trainer/serve"
)

const (
	scoringBatch   = 64 // Records that are scored together.
	scoringBatches = 8  // That wait; with as many, records are skipped.
)

// scoring scores folded records with the newest model of their sketch, on one goroutine of its own, and writes odd ones
// to a topic. Folding never waits for it: records that come faster than they can be scored are skipped, and counted.
// Nothing of it is in any state.
type scoring struct {
	sketch string
	names  []string
	chosen uint64  // Records whose hash is at most this are scored.
	least  float64 // Odd, of a record that is.
	source serve.Source
	poll   time.Duration
	out    *outlet // Nil: odd records are counted only.
	m      *metrics.Sketcher
	log    *slog.Logger

	ready   atomic.Bool              // There is a model.
	skipped map[string]*atomic.Int64 // By topic, since they were last counted.
	full    chan []scored
	mu      sync.Mutex
	filling []scored
}

// scored is a record that is to be scored.
type scored struct {
	id     stream.PartitionID
	offset int64
	time   int64
	key    []byte
	x      []float64
}

func newScoring(sc SketchConfig, source serve.Source, poll time.Duration, out *outlet, m *metrics.Sketcher, log *slog.Logger) *scoring {
	chosen := uint64(math.MaxUint64)
	if sc.Score.Share < 1 {
		chosen = uint64(sc.Score.Share * math.MaxUint64)
	}
	s := &scoring{sketch: sc.Name, names: sc.Config.Names(), chosen: chosen, least: -math.Log10(1 - sc.Score.Quantile), source: source, poll: poll,
		out: out, m: m, log: log, skipped: map[string]*atomic.Int64{}, full: make(chan []scored, scoringBatches)}
	for _, t := range sc.Topics {
		s.skipped[t] = new(atomic.Int64)
	}
	return s
}

// chooses says whether a record is one of the share that is scored. The choice depends on its place in the log alone.
func (s *scoring) chooses(id stream.PartitionID, offset int64) bool {
	if s.chosen == math.MaxUint64 {
		return true
	}
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(id.Partition))
	binary.LittleEndian.PutUint64(b[8:], uint64(offset))
	return xxh3.Hash(b[:]) <= s.chosen
}

// record takes a folded record. It does not wait.
func (s *scoring) record(id stream.PartitionID, r *stream.Record, x []float64) {
	if !s.ready.Load() || !s.chooses(id, r.Offset) {
		return
	}
	if len(s.full) == cap(s.full) {
		s.skipped[id.Topic].Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filling == nil {
		s.filling = make([]scored, 0, scoringBatch)
	}
	s.filling = append(s.filling, scored{id, r.Offset, r.Time, bytes.Clone(r.Key), slices.Clone(x)})
	if len(s.filling) < scoringBatch {
		return
	}
	select {
	case s.full <- s.filling:
	default:
		for _, r := range s.filling {
			s.skipped[r.id.Topic].Add(1)
		}
	}
	s.filling = nil
}

// run scores until ctx ends.
func (s *scoring) run(ctx context.Context) {
	look := time.NewTicker(s.poll)
	defer look.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var have *serve.Version
	var scorer *score.Scorer
	update := func() {
		v, err := s.source.Load(ctx, have)
		if err != nil || v == have {
			if err != nil && !errors.Is(err, serve.ErrNoModel) && ctx.Err() == nil {
				s.log.Warn("scoring goes on with the model it has", "err", err)
			}
			return
		}
		n, err := score.New(v.Model, v.Spec, nil, score.Options{Seed: 1})
		if err != nil {
			s.log.Warn("scoring cannot use a model", "version", v.Version, "err", err)
			return
		}
		have, scorer = v, n
		s.ready.Store(true)
	}
	update()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			update()
		case batch := <-s.full:
			s.score(scorer, have, batch)
		case <-tick.C: // A slow stream fills no batch.
			for topic, n := range s.skipped {
				s.m.Scored(topic, "skipped", int(n.Swap(0)))
			}
			s.mu.Lock()
			batch := s.filling
			s.filling = nil
			s.mu.Unlock()
			if scorer != nil {
				s.score(scorer, have, batch)
			}
		}
	}
}

func (s *scoring) score(scorer *score.Scorer, v *serve.Version, batch []scored) {
	d := scorer.Dim()
	batch = slices.DeleteFunc(batch, func(r scored) bool { return len(r.x) != d }) // Of another epoch.
	x := make([]float64, 0, len(batch)*d)
	for _, r := range batch {
		x = append(x, r.x...)
	}
	scores := make([]score.Score, len(batch))
	scorer.Score(scores, x)
	for i, r := range batch {
		topic := r.id.Topic
		s.m.Scored(topic, "scored", 1)
		if !(scores[i].Odd >= s.least) {
			continue
		}
		s.m.Odd(topic)
		if s.out != nil {
			s.out.offer(s.message(v, r, scores[i]), func(result string) { s.m.OddSent(topic, result) })
		}
	}
}

// message is an odd record: its channels in JSON, as it was decoded, and in headers where it came from and how odd it is.
func (s *scoring) message(v *serve.Version, r scored, sc score.Score) kafka.Message {
	number := func(x float64) []byte { return strconv.AppendFloat(nil, x, 'g', 6, 64) }
	row := appendJSONRow(nil, s.names, r.x)
	return kafka.Message{Key: r.key, Value: bytes.TrimSuffix(row, []byte("\n")), Time: r.time, Partition: kafka.AnyPartition,
		Headers: append(origin(s.sketch, r.id, r.offset),
			kafka.Header{Key: "phasor.odd", Value: number(sc.Odd)},
			kafka.Header{Key: "phasor.density_quantile", Value: number(sc.DensityQuantile)},
			kafka.Header{Key: "phasor.distance_quantile", Value: number(sc.DistanceQuantile)},
			kafka.Header{Key: "phasor.model", Value: number(float64(v.Version))})}
}
