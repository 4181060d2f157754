package main

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"phasor/metrics"
	"phasor/metrics/status"
	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/stream"
	"phasor/stream/kafka"
	"phasor/trainer"
	"phasor/trainer/generator"
	"phasor/trainer/serve"
)

// roles says which services a process runs.
type roles struct{ sketch, train bool }

// pipeline is the services of one process, wired together.
type pipeline struct {
	e      *env
	cfg    Config
	roles  roles
	title  string
	bucket bucket.Bucket
	client *kafka.Client // Nil without the sketcher.
	tune   func(*trainer.Config)

	sketchers []*sketcher.Service
	trainers  []*trainer.Service
	outputs   *outputs
	answers   *serve.Server // Nil unless there is exactly one sketch, in a process of all roles.
	board     *status.Board // The page, while run runs.
	began     time.Time
	url       func(path string) string // Where it answers, once it does.
}

// newPipeline opens the store and the cluster and makes the services.
func newPipeline(e *env, cfg Config, r roles, title string) (*pipeline, error) {
	p := &pipeline{e: e, cfg: cfg, roles: r, title: title, began: time.Now()}
	var err error
	if p.bucket, err = openStore(e.ctx, cfg.Store); err != nil {
		return nil, err
	}
	p.bucket = bucket.Bound(p.bucket, cfg.Snapshot.Timeout.D())
	if r.sketch {
		k := cfg.Kafka
		k.Hooks = p.kafkaHooks()
		if p.client, err = kafka.New(k); err != nil {
			p.close()
			return nil, usage(err)
		}
	}
	return p, nil
}

func (p *pipeline) close() {
	if p.client != nil {
		p.client.Close()
	}
	if err := p.bucket.Close(); err != nil {
		p.e.log.Warn("closing the store", "err", err)
	}
}

// run runs everything until ctx ends or something fails for good. ready, if it is not nil, is called when the page
// answers.
func (p *pipeline) run(ctx context.Context, ready func()) error {
	reg := newRegistry()
	store := metrics.NewStore(reg)
	l, err := listen(p.cfg, p.e.log)
	if err != nil {
		return err
	}
	defer l.Close() // The server closes it before, if it comes to that.
	stop, err := startPprof(p.cfg.Pprof, p.e.log)
	if err != nil {
		return err
	}
	defer stop()
	p.board = p.newBoard(l)
	var h health
	var sources []stream.Source
	p.outputs = &outputs{client: p.client, log: p.e.log}
	if p.roles.sketch {
		m := metrics.NewSketcher(reg)
		for _, sc := range p.cfg.Sketches {
			if err := p.client.Check(ctx, sc.Topics...); err != nil {
				return err
			}
			s, err := p.newSketcher(sc, store, m)
			if err != nil {
				return err
			}
			sources = append(sources, p.source(sc))
			h.live, h.ready = append(h.live, s.Live), append(h.ready, s.Ready)
		}
	}
	if p.roles.train {
		m := metrics.NewTrainer(reg)
		for _, sc := range p.cfg.Sketches {
			t, err := p.newTrainer(sc, store, m)
			if err != nil {
				return err
			}
			h.live, h.ready = append(h.live, t.Live), append(h.ready, t.Ready)
		}
	}
	answers, err := p.newAPI(reg, store)
	if err != nil {
		return err
	}
	if p.roles.train {
		var names []string
		for _, sc := range p.cfg.Sketches {
			names = append(names, sc.Name)
		}
		answers.routes = driftRoutes(names, p.trainers)
	}
	wait := l.serve(reg, h, p.board, answers)
	p.url = l.url
	p.e.log.Info("listening", "page", l.url("/"), "metrics", l.url("/metrics"))
	if ready != nil {
		ready()
	}
	defer p.outputs.start(ctx)() // Ends after the services that write to it.
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return wait(ctx) })
	g.Go(func() error { return p.board.Run(ctx) })
	if p.answers != nil {
		g.Go(func() error { return ended(ctx, p.answers.Watch(ctx)) })
	}
	for i, s := range p.sketchers {
		g.Go(func() error { return ended(ctx, s.Run(ctx, sources[i])) })
	}
	for _, t := range p.trainers {
		g.Go(func() error { return ended(ctx, t.Run(ctx)) })
	}
	return g.Wait()
}

// ended makes a service that returned without being asked an error.
func ended(ctx context.Context, err error) error {
	if err == nil && ctx.Err() == nil {
		return errors.New("a service ended although nobody asked it to")
	}
	return err
}

// source is the consumer group of a sketch, or its static partitions.
func (p *pipeline) source(sc SketchConfig) stream.Source {
	if len(sc.Partitions) == 0 {
		return p.client.Group(sc.Topics, groupName(p.client.Config().Group, sc.Name))
	}
	parts := map[string][]int{}
	for _, t := range sc.Topics {
		parts[t] = sc.Partitions[t]
	}
	return p.client.Static(parts)
}

// groupName is the consumer group of one sketch: two sketches of one process fold the same records independently.
func groupName(group, sketch string) string { return group + "." + sketch }

func foldConfig(sc SketchConfig, isolation string) sketcher.FoldConfig {
	return sketcher.FoldConfig{Decode: sc.Config, Topics: sc.Topics, Isolation: isolation, Length: sc.Panes.Length.D(), Lateness: sc.Panes.Lateness.D()}
}

func calibrateOptions(c CalibrateConfig) feature.CalibrateOptions {
	return feature.CalibrateOptions{Features: c.Features, Law: c.Law, Directions: c.Directions, Seed: c.Seed}
}

func (p *pipeline) newSketcher(sc SketchConfig, store *metrics.Store, m *metrics.Sketcher) (*sketcher.Service, error) {
	s, err := sketcher.New(sketcher.Config{
		Store:     snapshot.Open(p.bucket, sc.Name).WithHooks(p.storeHooks(store)),
		Fold:      foldConfig(sc, p.client.Config().Isolation),
		Calibrate: calibrateOptions(sc.Calibrate), Pilot: sc.Calibrate.Pilot, PilotTimeout: sc.Calibrate.Timeout.D(),
		Interval: p.cfg.Snapshot.Interval.D(), SaveTimeout: p.client.Config().Session * 4 / 10,
		Truncated: sketcher.Policy(sc.OnTruncated), Retained: sketcher.Policy(sc.OnRetention), Recreated: sketcher.Policy(sc.OnRecreated),
		Settle: p.outputs.settle(sc), Log: p.e.log.With("sketch", sc.Name),
		Hooks: p.outputs.hooks(sc, p.scored(sc, store), p.cfg.Serve.Poll.D(), m, p.board.Sketcher(sc.Name, sc.Topics, m.Hooks(sc.Name, sc.Topics))),
	})
	if err != nil {
		return nil, err
	}
	p.sketchers = append(p.sketchers, s)
	return s, nil
}

// scored is where the models come from that score a sketch's records.
func (p *pipeline) scored(sc SketchConfig, store *metrics.Store) serve.Source {
	return serve.FromStore(snapshot.Open(p.bucket, sc.Name).WithHooks(p.storeHooks(store)))
}

func (p *pipeline) newTrainer(sc SketchConfig, store *metrics.Store, m *metrics.Trainer) (*trainer.Service, error) {
	c := trainer.Config{
		Store: snapshot.Open(p.bucket, sc.Name).WithHooks(p.storeHooks(store)),
		Idle:  p.cfg.Idle.Timeout.D(),
		Fit:   generator.Config{Seed: sc.Fit.Seed, Threads: sc.Fit.Threads},
		Every: sc.Fit.Every.D(), Budget: sc.Fit.Budget.D(), Records: sc.Fit.Records,
		Reference: sc.Drift.Reference.D(), FalseAlarms: sc.Drift.FalseAlarms.D(),
		Log: p.e.log.With("sketch", sc.Name), Hooks: p.board.Trainer(sc.Name, m.Hooks(sc.Name, sc.Drift.Mode)),
	}
	if err := sc.trainerPast(&c); err != nil {
		return nil, err
	}
	if p.tune != nil {
		p.tune(&c)
	}
	t, err := trainer.New(c)
	if err != nil {
		return nil, err
	}
	p.trainers = append(p.trainers, t)
	p.board.Follow(sc.Name, t.Status, c.Store)
	return t, nil
}

// newAPI makes the API of a process that plays all roles. Its paths do not name a sketch, so there must be one only.
func (p *pipeline) newAPI(reg *prometheus.Registry, store *metrics.Store) (api, error) {
	if !p.roles.sketch || !p.roles.train || len(p.cfg.Sketches) != 1 {
		return api{}, nil
	}
	name := p.cfg.Sketches[0].Name
	source := serve.FromStore(snapshot.Open(p.bucket, name).WithHooks(p.storeHooks(store)))
	s, err := newServer(p.e, p.cfg.Serve, source, metrics.NewServe(reg))
	if err != nil {
		return api{}, err
	}
	p.answers = s
	return api{handler: s, grace: p.cfg.Serve.Timeout.D()}, nil
}

func (p *pipeline) storeHooks(m *metrics.Store) snapshot.Hooks {
	h := m.Hooks()
	conflict := h.Conflict
	h.Conflict = func(name string) {
		conflict(name)
		p.e.log.Error("an object exists with other bytes; the first stays", "object", name)
	}
	h.Corrupt = p.e.skipped
	return h
}

func (p *pipeline) kafkaHooks() kafka.Hooks {
	log := p.e.log
	return kafka.Hooks{
		Retry: func(id stream.PartitionID, err error, wait time.Duration) {
			log.Warn("reading will be tried again", "topic", id.Topic, "partition", id.Partition, "err", err, "wait", wait.Round(time.Millisecond))
		},
		GroupRetry: func(group string, err error) { log.Warn("the group will be tried again", "group", group, "err", err) },
		Stalled: func(id stream.PartitionID, next, end int64, since time.Duration) {
			log.Warn("no progress although there are records; connecting anew", "topic", id.Topic, "partition", id.Partition, "offset", next, "end", end, "since", since)
		},
		Skipped: func(err *stream.CorruptError) { log.Error("corrupt batch skipped", "err", err) },
	}
}
