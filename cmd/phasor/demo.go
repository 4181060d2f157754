package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/stream/decode"
	"phasor/stream/embedded"
	"phasor/stream/kafka"
	"phasor/stream/replay"
	"phasor/trainer"
)

type demoCmd struct {
	Source string   `default:"plant" help:"plant, host, csv:PATH, ndjson:PATH, parquet:PATH, avro:PATH or skab:DIR."`
	For    Duration `default:"0s" help:"Stop after this time and print one JSON line; default: run until interrupted." placeholder:"60s"`
	Rate   float64  `help:"Records a second; default: 8000 of the plant, 10 of the host, 1000 of files." placeholder:"N"`
	Seed   uint64   `default:"1" help:"Seed of the plant, the feature map and the fits."`
	Listen string   `default:"127.0.0.1:9464" help:"Address of the page and the metrics."`
	Store  string   `help:"Where to keep the sketch and the models; default: a temporary folder." placeholder:"URL"`
	webFlags
}

// Help is shown by --help.
func (demoCmd) Help() string {
	return `Examples:
  phasor demo --for 60s
  phasor demo --source host
  phasor demo --source csv:records.csv
  phasor demo --source parquet:archive.parquet

The plant's regime changes at 35 s; the alarm level is one false alarm in about 17 minutes (1,000 panes of 1 s).`
}

// The demo's pace: short enough to watch, long enough to be real.
const (
	demoTopic       = "demo"
	demoPartitions  = 2
	demoPane        = time.Second
	demoChange      = 35 * time.Second
	demoFirstFit    = 10 * time.Second
	demoBudget      = 8 * time.Second
	demoFalseAlarms = 1000 * demoPane
)

// Run runs the command.
func (c *demoCmd) Run(e *env) error {
	if c.Rate < 0 {
		return usagef("--rate is %v: give records a second, or leave it out", c.Rate)
	}
	ctx := e.ctx
	if c.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.For.D())
		defer stop()
	}
	feed, err := c.feed(ctx, e)
	if err != nil {
		return err
	}
	defer replay.Close(feed)
	cfg := c.config(feed.Channels())
	if cfg.Store == "" {
		dir, err := os.MkdirTemp("", "phasor-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cfg.Store = filepath.Join(dir, "store")
	}
	if err := errors.Join(c.webFlags.apply(&cfg), cfg.Validate()); err != nil {
		return err
	}
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{demoTopic: demoPartitions},
		OnError: func(err error) { e.log.Warn("embedded Kafka", "err", err) }})
	if err != nil {
		return err
	}
	defer b.Close()
	cfg.Kafka.Brokers = b.Addrs()
	p, err := newPipeline(e, cfg, roles{sketch: true, train: true}, "Phasor demo: "+c.Source)
	if err != nil {
		return err
	}
	defer p.close()
	p.tune = func(t *trainer.Config) { t.Poll, t.First = 500*time.Millisecond, demoFirstFit }
	if err := c.calibrate(ctx, e, p); err != nil {
		return err
	}
	bad := rejects{e: e}
	if err := c.play(ctx, p, feed, &bad); err != nil {
		return err
	}
	return c.report(e, p, &bad)
}

func (c *demoCmd) feed(ctx context.Context, e *env) (replay.Feed, error) {
	rate := c.Rate
	switch kind, _, _ := strings.Cut(c.Source, ":"); {
	case rate != 0:
	case kind == "plant":
		rate = 8000
	case kind == "host":
		rate = 10
	default:
		rate = 1000
	}
	feed, err := openSource(ctx, e, c.Source, sourceOptions{seed: c.Seed, rate: rate, changes: []time.Duration{demoChange}})
	if err != nil || c.Source == "host" {
		return feed, err
	}
	return replay.Pace(ctx, feed, rate)
}

// calibrate draws the feature map of a file from a random choice of all its rows. A stream has only its first records to
// calibrate on; a file's may be of one regime of many.
func (c *demoCmd) calibrate(ctx context.Context, e *env, p *pipeline) error {
	switch kind, _, _ := strings.Cut(c.Source, ":"); kind {
	case "csv", "ndjson", "parquet", "avro", "skab":
	default:
		return nil
	}
	feed, err := openSource(ctx, e, c.Source, sourceOptions{})
	if err != nil {
		return err
	}
	defer replay.Close(feed)
	pilot := newReservoir(p.cfg.Sketches[0].Calibrate.Pilot, c.Seed)
	for {
		x, _, err := feed.Next()
		var row *replay.RowError
		switch {
		case errors.Is(err, io.EOF):
			spec, _, err := feature.Calibrate(pilot.x, sketcher.Options(calibrateOptions(p.cfg.Sketches[0].Calibrate), p.cfg.Sketches[0].Config))
			if err != nil {
				return fmt.Errorf("%s: %w", c.Source, err)
			}
			_, err = snapshot.Open(p.bucket, p.cfg.Sketches[0].Name).CreateSpec(ctx, spec)
			return err
		case errors.As(err, &row): // Counted when it is produced.
		case err != nil:
			return err
		default:
			pilot.add(x)
		}
	}
}

func (c *demoCmd) config(channels []string) Config {
	cfg := defaultConfig()
	cfg.Listen, cfg.Store = c.Listen, c.Store
	cfg.Snapshot.Interval, cfg.Idle.Timeout = Duration(time.Second), Duration(5*time.Second)
	s := SketchConfig{Name: "demo", Topics: []string{demoTopic}, Partitions: map[string][]int{demoTopic: nil}, Config: decode.Config{Format: "json"},
		Panes:     PanesConfig{Length: Duration(demoPane), Lateness: Duration(demoPane)},
		Calibrate: CalibrateConfig{Seed: c.Seed, Timeout: Duration(3 * time.Second)},
		Fit:       FitConfig{Every: Duration(20 * time.Second), Budget: Duration(demoBudget), Seed: c.Seed},
		Drift:     DriftConfig{FalseAlarms: RunLength(demoFalseAlarms)},
	}
	for _, name := range channels {
		s.Channels = append(s.Channels, decode.Channel{Name: name, Path: replay.EscapePath(name)})
	}
	cfg.Sketches = []SketchConfig{s}
	return cfg
}

// play produces and runs the pipeline until ctx ends.
func (c *demoCmd) play(ctx context.Context, p *pipeline, feed replay.Feed, bad *rejects) error {
	client, err := kafka.New(p.cfg.Kafka)
	if err != nil {
		return err
	}
	defer client.Close()
	pr, err := newProducing(ctx, client, demoTopic, feed, "json", "", "none")
	if err != nil {
		return err
	}
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := pr.run(running, bad, bar{})
		return err
	})
	g.Go(func() error {
		return p.run(running, func() {
			fmt.Fprintf(p.e.stderr, "Page: %s   Metrics: %s\n", p.url("/"), p.url("/metrics"))
		})
	})
	err = g.Wait()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// report prints the one line by which a script judges a demo.
func (c *demoCmd) report(e *env, p *pipeline, bad *rejects) error {
	folded, rejected := p.board.Tally(p.cfg.Sketches[0].Name)
	st := p.trainers[0].Status()
	if c.Source == "host" || c.For == 0 {
		e.log.Info("demo ended", "records", folded)
	}
	d := st.Drift
	if math.IsNaN(d.Statistic) && d.LastAlarm != nil { // A new reference has begun since.
		d.Statistic, d.Threshold = d.LastAlarm.Statistic, d.LastAlarm.Threshold
	}
	version, ev := any(nil), map[string]any{}
	if st.Version > 0 {
		version = st.Version
	}
	if st.Evaluated {
		ev["loss"], ev["floor"], ev["n"] = number(st.Evaluation.Unbiased), number(st.Evaluation.Floor), number(math.Round(st.Evaluation.EquivalentRecords))
	}
	return printJSON(e.stdout, struct {
		Records    int64   `json:"records"`
		Rejected   int64   `json:"rejected"`
		Rate       float64 `json:"rate"`
		Statistic  any     `json:"drift_statistic"`
		Threshold  any     `json:"drift_threshold"`
		Alarms     int     `json:"drift_alarms"`
		Loss       any     `json:"loss"`
		Floor      any     `json:"loss_floor"`
		Equivalent any     `json:"equivalent_records"`
		Version    any     `json:"model_version"`
	}{folded, rejected + bad.rows, math.Round(float64(folded) / time.Since(p.began).Seconds()), number(d.Statistic), number(d.Threshold), d.Alarms,
		ev["loss"], ev["floor"], ev["n"], version})
}
