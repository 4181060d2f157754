package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"phasor/metrics"
	"phasor/metrics/status"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/trainer/serve"
)

type serveCmd struct {
	storeFlags `group:"Service"`
	webFlags   `group:"Service"`
	Name       string   `help:"Sketch in the store; default: the one of the file." placeholder:"NAME" group:"Service"`
	Model      string   `help:"Model file to serve, instead of a store." type:"existingfile" placeholder:"FILE" group:"Service"`
	Spec       string   `help:"Its feature map." type:"existingfile" placeholder:"FILE" group:"Service"`
	Listen     string   `help:"Address of the API, /metrics, /livez, /readyz and the page." placeholder:"127.0.0.1:9466" group:"Service"`
	Poll       Duration `name:"serve.poll" help:"Between two looks for a newer version." placeholder:"5s" group:"Limits"`
	Timeout    Duration `name:"serve.timeout" help:"Time of a request." placeholder:"10s" group:"Limits"`
	Active     int      `name:"serve.active" help:"Requests that compute at a time; default: two for each processor." placeholder:"N" group:"Limits"`
	Records    int      `name:"serve.records" help:"Records in a request." placeholder:"1000" group:"Limits"`
	MaxBody    int64    `name:"serve.max_body" help:"Bytes of a request's body." placeholder:"1048576" group:"Limits"`
}

// Help is shown by --help.
func (serveCmd) Help() string {
	return `Examples:
  phasor serve --store /var/lib/phasor --name press-line-4
  phasor serve --model model.safetensors --spec spec.safetensors --listen 127.0.0.1:8080
  curl -s localhost:9466/v1/model
  curl -s localhost:9466/v1/sample -d '{"n":3}'
  curl -s localhost:9466/v1/score -d '{"records":[[20.5,101.2,3.1]]}'
  curl -s localhost:9466/v1/impute -d '{"records":[{"temperature":20.5,"pressure":null,"flow":3.1}]}'

/v1/openapi.json describes every request. The served version of a store is followed without a dropped request: "phasor
models promote" and "roll-back" take effect within --serve.poll. On SIGTERM the requests that have begun are answered.`
}

// Run runs the command.
func (c *serveCmd) Run(e *env) error {
	cfg, err := c.config(e)
	if err != nil {
		return err
	}
	reg := newRegistry()
	source, name, store, keep, err := c.source(e, cfg, metrics.NewStore(reg))
	if err != nil {
		return err
	}
	defer keep.Close() // It was only read.
	s, err := newServer(e, cfg.Serve, source, metrics.NewServe(reg))
	if err != nil {
		return err
	}
	l, err := listen(cfg, e.log)
	if err != nil {
		return err
	}
	defer l.Close() // The server closes it before, if it comes to that.
	stop, err := startPprof(cfg.Pprof, e.log)
	if err != nil {
		return err
	}
	defer stop()
	board := status.New(status.Config{Title: "Phasor serve", Role: "serve", API: true, Guard: l.guard()})
	board.Serve(name, s.Current)
	if store != nil {
		board.Follow(name, nil, store)
	}
	wait := l.serve(reg, health{ready: []func() error{s.Ready}}, board, api{handler: s, grace: cfg.Serve.Timeout.D()})
	e.log.Info("listening", "api", l.url("/v1/openapi.json"), "page", l.url("/"), "metrics", l.url("/metrics"))
	g, ctx := errgroup.WithContext(e.ctx)
	g.Go(func() error { return wait(ctx) })
	g.Go(func() error { return board.Run(ctx) })
	g.Go(func() error { return ended(ctx, s.Watch(ctx)) })
	return g.Wait()
}

// config reads the file and puts the flags over it.
func (c *serveCmd) config(e *env) (Config, error) {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return cfg, err
	}
	over(&cfg.Store, c.Store)
	over(&cfg.Listen, c.Listen)
	if c.Listen == "" && (cfg.Listen == "" || c.Config != "") {
		cfg.Listen = "127.0.0.1:9466" // The file's address is that of the sketcher.
	}
	over(&cfg.Serve.Poll, c.Poll)
	over(&cfg.Serve.Timeout, c.Timeout)
	over(&cfg.Serve.Active, c.Active)
	over(&cfg.Serve.Records, c.Records)
	over(&cfg.Serve.MaxBody, c.MaxBody)
	e.setLog(cfg.Log)
	return cfg, errors.Join(c.webFlags.apply(&cfg), cfg.Serve.Validate(), e.setIntegrity(cfg.Integrity))
}

// source is the model file, or the store and the name of the sketch in it, which keep closes.
func (c *serveCmd) source(e *env, cfg Config, m *metrics.Store) (source serve.Source, name string, store *snapshot.Store, keep io.Closer, err error) {
	if c.Model != "" {
		if c.Spec == "" || e.typed["store"] || c.Name != "" {
			return nil, "", nil, nil, usagef("--model needs --spec, the feature map that its sketch was made with, and no --store or --name")
		}
		model, err := readModel(c.Model)
		if err != nil {
			return nil, "", nil, nil, err
		}
		spec, err := readSpec(c.Spec)
		if err != nil {
			return nil, "", nil, nil, err
		}
		if have, want := spec.Fingerprint(), model.Fingerprint(); have != want {
			return nil, "", nil, nil, fmt.Errorf("%s was fitted to the feature map %s, and --spec is the map %s: give the spec that its sketch was made with", c.Model, want, have)
		}
		return serve.FromModel(model, spec.Spec()), "", nil, io.NopCloser(nil), nil
	}
	name = c.Name
	if name == "" && len(cfg.Sketches) == 1 {
		name = cfg.Sketches[0].withDefaults().Name
	}
	if name == "" || c.Spec != "" {
		return nil, "", nil, nil, usagef("give --store and --name, a --config with one sketch, or --model and --spec")
	}
	b, err := openExisting(e.ctx, cfg.Store)
	if err != nil {
		return nil, "", nil, nil, err
	}
	bounded := bucket.Bound(b, cfg.Snapshot.Timeout.D())
	store = snapshot.Open(bounded, name).WithHooks(m.Hooks())
	return serve.FromStore(store), name, store, bounded, nil
}

// newServer makes the API, whose hooks log and count.
func newServer(e *env, c ServeConfig, source serve.Source, m *metrics.Serve) (*serve.Server, error) {
	h := m.Hooks()
	h.Served = func(v serve.Version, took time.Duration) {
		e.log.Info("model served", "sketch", v.Sketch, "version", v.Version, "generation", v.Generation, "prepared", took.Round(time.Millisecond))
	}
	var last string
	h.Failed = func(err error) { // By one goroutine.
		switch {
		case err.Error() == last:
			return
		case errors.Is(err, serve.ErrNoModel):
			e.log.Info("waiting for a model", "err", err)
		default:
			e.log.Error("the served version stays as it is", "err", err)
		}
		last = err.Error()
	}
	h.Panicked = func(endpoint string, what any, stack []byte) {
		e.log.Error("a request met a defect", "endpoint", endpoint, "err", fmt.Sprint(what), "stack", string(stack))
	}
	return serve.New(serve.Config{Source: source, Hooks: h, Poll: c.Poll.D(),
		Limits: serve.Limits{Body: c.MaxBody, Records: c.Records, Active: c.Active, Time: c.Timeout.D()}})
}
