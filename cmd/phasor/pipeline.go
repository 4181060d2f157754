package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	answers   *serve.Server // Nil unless there is exactly one sketch, in a process of all roles.
	tallies   []*tally
	began     time.Time
	bound     string
}

// tally counts what the sketcher of one sketch did in this process, for the page and the demo's last line.
type tally struct {
	name string
	mu   sync.Mutex
	sketcher.Counts
	next, high map[stream.PartitionID]int64
	saved      time.Time
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
	var h health
	var sources []stream.Source
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
	bound, wait, err := serveHTTP(p.cfg.Listen, reg, h, p.page, answers, p.e.log)
	if err != nil {
		return err
	}
	p.bound = bound
	p.e.log.Info("listening", "page", "http://"+bound+"/", "metrics", "http://"+bound+"/metrics")
	if ready != nil {
		ready()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return wait(ctx) })
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
	t := &tally{name: sc.Name, next: map[stream.PartitionID]int64{}, high: map[stream.PartitionID]int64{}}
	s, err := sketcher.New(sketcher.Config{
		Store:     snapshot.Open(p.bucket, sc.Name).WithHooks(p.storeHooks(store)),
		Fold:      foldConfig(sc, p.client.Config().Isolation),
		Calibrate: calibrateOptions(sc.Calibrate), Pilot: sc.Calibrate.Pilot, PilotTimeout: sc.Calibrate.Timeout.D(),
		Interval: p.cfg.Snapshot.Interval.D(), SaveTimeout: p.client.Config().Session * 4 / 10,
		Truncated: sketcher.Policy(sc.OnTruncated), Retained: sketcher.Policy(sc.OnRetention), Recreated: sketcher.Policy(sc.OnRecreated),
		Log: p.e.log.With("sketch", sc.Name), Hooks: t.hooks(m.Hooks(sc.Name, sc.Topics)),
	})
	if err != nil {
		return nil, err
	}
	p.sketchers, p.tallies = append(p.sketchers, s), append(p.tallies, t)
	return s, nil
}

func (p *pipeline) newTrainer(sc SketchConfig, store *metrics.Store, m *metrics.Trainer) (*trainer.Service, error) {
	c := trainer.Config{
		Store: snapshot.Open(p.bucket, sc.Name).WithHooks(p.storeHooks(store)),
		Idle:  p.cfg.Idle.Timeout.D(),
		Fit:   generator.Config{Seed: sc.Fit.Seed, Threads: sc.Fit.Threads},
		Every: sc.Fit.Every.D(), Budget: sc.Fit.Budget.D(), Records: sc.Fit.Records,
		Reference: sc.Drift.Reference.D(), FalseAlarms: sc.Drift.FalseAlarms.D(),
		Log: p.e.log.With("sketch", sc.Name), Hooks: m.Hooks(sc.Name),
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
	h.Corrupt = func(name string, err error) { p.e.log.Error("corrupt object skipped", "object", name, "err", err) }
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

// hooks returns h with the tally counted beside it.
func (t *tally) hooks(h sketcher.Hooks) sketcher.Hooks {
	folded, position, saved := h.Folded, h.Position, h.Saved
	h.Folded = func(id stream.PartitionID, c sketcher.Counts, took time.Duration) {
		folded(id, c, took)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.Records += c.Records
		t.Folded += c.Folded
		t.Late += c.Late
		t.Early += c.Early
		t.Clamped += c.Clamped
		for r, n := range c.Rejects {
			t.Rejects[r] += n
		}
	}
	h.Position = func(id stream.PartitionID, next, high int64) {
		position(id, next, high)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.next[id], t.high[id] = next, high
	}
	h.Saved = func(id stream.PartitionID, s sketcher.Save) {
		saved(id, s)
		if s.Result == "ok" {
			t.mu.Lock()
			t.saved = time.Now()
			t.mu.Unlock()
		}
	}
	return h
}

// rejected is the number of records that were not folded.
func (t *tally) rejected() int64 {
	var n int64
	for _, r := range t.Rejects {
		n += r
	}
	return n
}

func (t *tally) lag() int64 {
	var n int64
	for id, next := range t.next {
		n += max(0, t.high[id]-next)
	}
	return n
}

// page describes the pipeline to the status page.
func (p *pipeline) page() status.Page {
	page := status.Page{Title: p.title}
	for _, t := range p.tallies {
		page.Sections = append(page.Sections, t.section(p.began))
	}
	for i, t := range p.trainers {
		s, notice := trainerSection(p.cfg.Sketches[i].Name, t.Status())
		page.Sections = append(page.Sections, s...)
		if notice != "" {
			page.Notice = notice
		}
	}
	return page
}

func (t *tally) section(began time.Time) status.Section {
	t.mu.Lock()
	defer t.mu.Unlock()
	saved := "not yet"
	if !t.saved.IsZero() {
		saved = t.saved.UTC().Format(time.RFC3339)
	}
	return status.Section{Name: "Stream: " + t.name, Rows: []status.Row{
		{Name: "Records folded", Value: fmt.Sprint(t.Folded), Help: "since this process started"},
		{Name: "Rate", Value: fmt.Sprintf("%.0f/s", float64(t.Folded)/time.Since(began).Seconds()), Help: "mean since the start"},
		{Name: "Rejected", Value: fmt.Sprint(t.rejected()), Help: "records that could not be folded; the log shows samples"},
		{Name: "Late, early", Value: fmt.Sprintf("%d, %d", t.Late, t.Early), Help: "folded into the total, not into a pane"},
		{Name: "Lag", Value: fmt.Sprint(t.lag()), Help: "records that wait in the log"},
		{Name: "Partitions", Value: fmt.Sprint(len(t.next)), Help: "read by this process"},
		{Name: "Last durable snapshot", Value: saved},
	}}
}
