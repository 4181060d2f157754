package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"phasor/metrics"
	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
	"phasor/stream/kafka"
	"phasor/trainer/serve"
)

// outputs are the topics that sketchers write to beside folding, and what fills them.
type outputs struct {
	client  *kafka.Client
	log     *slog.Logger
	outlets []*outlet
	scoring []*scoring
}

// outlet returns the outlet of a topic, which several sketches may share.
func (o *outputs) outlet(topic string) *outlet {
	for _, l := range o.outlets {
		if l.topic == topic {
			return l
		}
	}
	l := newOutlet(o.client, topic, o.log)
	o.outlets = append(o.outlets, l)
	return l
}

// hooks returns h with the outputs of a sketch listening.
func (o *outputs) hooks(sc SketchConfig, models serve.Source, poll time.Duration, m *metrics.Sketcher, h sketcher.Hooks) sketcher.Hooks {
	if sc.DeadLetters != "" {
		l := o.outlet(sc.DeadLetters)
		h.Reject = func(id stream.PartitionID, r *stream.Record, reason decode.Reason) {
			if reason == decode.Filtered {
				return // It is of another stream: nothing is wrong with it.
			}
			l.put(letter(sc.Name, id, r, reason), func(result string) { m.Letter(id.Topic, result) })
		}
	}
	if sc.Score.Quantile > 0 {
		var l *outlet
		if sc.Score.Topic != "" {
			l = o.outlet(sc.Score.Topic)
		}
		s := newScoring(sc, models, poll, l, m, o.log.With("sketch", sc.Name))
		o.scoring = append(o.scoring, s)
		h.Record = s.record
	}
	return h
}

// settle returns what a sketch waits for before its states say that rejected records are behind it; nil if nothing.
func (o *outputs) settle(sc SketchConfig) func(context.Context) error {
	if sc.DeadLetters == "" {
		return nil
	}
	return o.outlet(sc.DeadLetters).settle
}

// start begins to score and to write. The function that it returns ends both, when nothing is folded any more: what has
// been chosen is written, as far as a few seconds allow.
func (o *outputs) start(ctx context.Context) (end func()) {
	scoring, stop := context.WithCancel(context.WithoutCancel(ctx))
	var scorers sync.WaitGroup
	for _, s := range o.scoring {
		scorers.Go(func() { s.run(scoring) })
	}
	writing, cut := context.WithCancel(context.WithoutCancel(ctx))
	for _, l := range o.outlets {
		go l.run(writing)
	}
	return func() {
		stop()
		scorers.Wait()
		var closing sync.WaitGroup
		for _, l := range o.outlets {
			closing.Go(func() { l.close(cut) })
		}
		closing.Wait()
		cut()
	}
}
