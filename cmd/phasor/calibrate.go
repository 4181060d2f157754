package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/kafka"
)

type calibrateCmd struct {
	Input      []string `help:"Files of records instead of topics: CSV, NDJSON or .log by their names, gzip or zstd or not, Parquet, Avro; - is standard input." type:"existingfile" placeholder:"FILE"`
	Columns    []string `help:"Channels in order: NAME or NAME=PATH; default: every numeric column but the time." placeholder:"NAME"`
	Format     string   `enum:"auto,csv,json,ndjson,log,parquet,avro" default:"auto" help:"csv, json (one value a line) or log (lines of text), if the names do not say; parquet and avro (object container) files say it themselves."`
	Delimiter  string   `help:"Of CSV; default: found out." placeholder:"CHAR"`
	Missing    string   `enum:"reject,last" default:"reject" help:"What a missing value does: reject or last."`
	Transform  []string `help:"Transforms: CHANNEL=identity, log1p, asinh or auto." placeholder:"CHANNEL=NAME"`
	Name       string   `help:"Sketch of the configuration; needed if it has several." placeholder:"NAME"`
	NewEpoch   bool     `help:"Begin a new epoch in the store, although there is one: units, channels or ranges changed."`
	Timeout    Duration `help:"How long to wait for the records of a topic before fewer will do." placeholder:"30s"`
	Features   int      `help:"Number of frequencies, a multiple of 32; default by the number of channels." placeholder:"M"`
	Law        string   `help:"Law of the frequencies: log-radius, gaussian, folded-gaussian, adapted-radius, multi-scale." placeholder:"log-radius"`
	Directions string   `help:"dense, or selected: worth it for more than 10 channels with clusters." placeholder:"dense"`
	Seed       uint64   `help:"Same pilot and seed, same feature map." placeholder:"1"`
	Pilot      int      `help:"Records to calibrate on; of a longer file a random choice." placeholder:"10000"`
	Out        string   `help:"File to write; with --config the feature map goes to the store as well." placeholder:"FILE"`
	JSON       bool     `name:"json" help:"Print the report as one JSON line."`
	storeFlags `group:"With topics"`
	kafkaFlags `group:"With topics"`
}

// Help is shown by --help.
func (calibrateCmd) Help() string {
	return `Examples:
  phasor calibrate --input records.csv --columns a,b,c --features 256 --seed 1 --out spec.safetensors
  phasor calibrate --input sshd.log --out spec.safetensors
  phasor calibrate --input archive.parquet --columns flow,level=tank.levels[0] --out spec.safetensors
  phasor calibrate --config phasor.yaml --new-epoch

With --input, --config only describes the lines: the sketch's format, channels, time and window. Otherwise what is not given here is taken from the sketch of --config.`
}

// Run runs the command.
func (c *calibrateCmd) Run(e *env) error {
	if e.typed["pilot"] && c.Pilot < 2 {
		return usagef("--pilot is %d: at least 2 records are needed to find a scale; 10000 are advised", c.Pilot)
	}
	if c.Features < 0 || c.Features%32 != 0 {
		return usagef("--features is %d: it must be a multiple of 32", c.Features)
	}
	if c.Law != "" && !slices.Contains(feature.Laws(), c.Law) {
		return usagef("--law is %q: it must be one of %s", c.Law, strings.Join(feature.Laws(), ", "))
	}
	if c.Directions != "" && c.Directions != "dense" && c.Directions != "selected" {
		return usagef("--directions is %q: it must be dense or selected", c.Directions)
	}
	if c.Out != "" {
		if err := checkOut(c.Out); err != nil {
			return err
		}
	}
	switch {
	case len(c.Input) > 0 && c.Out == "":
		return usagef("--input needs --out")
	case len(c.Input) > 0:
		return c.fromFiles(e)
	case c.Config == "":
		return usagef("give --input FILE and --out FILE, or --config FILE")
	}
	for _, flag := range []string{"columns", "format", "delimiter", "missing", "transform"} {
		if e.typed[flag] {
			return usagef("--%s is for --input: the file of --config describes the records of topics", flag)
		}
	}
	return c.fromTopics(e)
}

func (c *calibrateCmd) fromFiles(e *env) error {
	in := inputFlags{Input: c.Input, Columns: c.Columns, Format: c.Format, Delimiter: c.Delimiter, Missing: c.Missing, Config: c.Config, sketch: c.Name}
	seed, want := max(c.Seed, 1), c.Pilot
	if want == 0 {
		want = 10000
	}
	var names []string
	pilot := newReservoir(want, seed)
	bad, err := in.each(e, func(n []string, x []float64) error {
		names = n
		pilot.add(x)
		return nil
	})
	if err != nil {
		return err
	}
	if pilot.seen == 0 {
		return fmt.Errorf("%v: no usable rows, %d rejected: are the columns and the delimiter right?", c.Input, bad.rows)
	}
	o := feature.CalibrateOptions{Names: names, Features: c.Features, Law: c.Law, Directions: c.Directions, Seed: seed}
	if o.Transforms, err = transforms(names, c.Transform); err != nil {
		return err
	}
	if e.typed["config"] {
		if err := in.transforms(o.Transforms); err != nil {
			return err
		}
	}
	spec, report, err := feature.Calibrate(pilot.x, o)
	if err != nil {
		return err
	}
	return c.finish(e, spec, report)
}

// transforms reads CHANNEL=NAME pairs.
func transforms(names, list []string) ([]string, error) {
	t := make([]string, len(names))
	for _, pair := range list {
		i := strings.LastIndexByte(pair, '=')
		if i < 0 {
			return nil, usagef("--transform %q: write CHANNEL=NAME, where the name is identity, log1p, asinh or auto", pair)
		}
		channel, name := pair[:i], pair[i+1:]
		k := slices.Index(names, channel)
		if k < 0 {
			return nil, usagef("--transform names the channel %q; the channels are %q", channel, names)
		}
		if _, err := feature.ParseTransform(name); err != nil && name != "auto" {
			return nil, usagef("--transform %q: the transforms are identity, log1p, asinh and auto", pair)
		}
		t[k] = name
	}
	return t, nil
}

// reservoir keeps a uniform choice of the rows it is shown, each with the same probability.
type reservoir struct {
	want int
	rng  *rand.Rand
	x    []float64
	seen int64
}

func newReservoir(want int, seed uint64) *reservoir {
	return &reservoir{want: want, rng: rand.New(rand.NewPCG(seed, 0x70696c6f74))}
}

func (r *reservoir) add(x []float64) {
	r.seen++
	if len(r.x) < r.want*len(x) {
		r.x = append(r.x, x...)
	} else if i := r.rng.Int64N(r.seen); i < int64(r.want) {
		copy(r.x[int(i)*len(x):], x)
	}
}

func (c *calibrateCmd) fromTopics(e *env) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	over(&cfg.Store, c.Store)
	if err := errors.Join(c.kafkaFlags.apply(&cfg), cfg.Validate()); err != nil {
		return err
	}
	e.setLog(cfg.Log)
	if err := e.setIntegrity(cfg.Integrity); err != nil {
		return err
	}
	sc, err := pick(cfg.Sketches, c.Name)
	if err != nil {
		return err
	}
	over(&sc.Calibrate.Features, c.Features)
	over(&sc.Calibrate.Law, c.Law)
	over(&sc.Calibrate.Directions, c.Directions)
	over(&sc.Calibrate.Seed, c.Seed)
	over(&sc.Calibrate.Pilot, c.Pilot)
	over(&sc.Calibrate.Timeout, c.Timeout)
	if len(cfg.Kafka.Brokers) == 0 {
		return usagef("no brokers: name at least one as kafka.brokers in the file or with --kafka.brokers host:port")
	}
	b, err := openStore(e.ctx, cfg.Store)
	if err != nil {
		return err
	}
	defer b.Close()
	store := snapshot.Open(b, sc.Name)
	current, err := store.LatestSpec(e.ctx)
	if err == nil && !c.NewEpoch {
		return fmt.Errorf("sketch %q has the feature map %s in epoch %d: give --new-epoch to begin another, whose count starts anew", sc.Name, current.Map().Fingerprint(), current.Number)
	}
	if err != nil && !errors.Is(err, snapshot.ErrNotExist) {
		return err
	}
	client, err := kafka.New(cfg.Kafka)
	if err != nil {
		return usage(err)
	}
	defer client.Close()
	if err := client.Check(e.ctx, sc.Topics...); err != nil {
		return err
	}
	x, err := topicPilot(e, client, sc, sc.Calibrate.Pilot, sc.Calibrate.Timeout.D())
	if err != nil {
		return err
	}
	spec, report, err := feature.Calibrate(x, sketcher.Options(calibrateOptions(sc.Calibrate), sc.Config))
	if err != nil {
		return err
	}
	ep, err := c.create(e, store, current, spec)
	if err != nil {
		return err
	}
	e.log.Info("epoch", "number", ep.Number, "map", ep.Map().Fingerprint())
	return c.finish(e, ep.Spec(), report)
}

// create writes the spec as the first epoch, or as the next one, which begins where the folds of the last one stand.
func (c *calibrateCmd) create(e *env, store *snapshot.Store, current *snapshot.Epoch, spec *feature.Spec) (*snapshot.Epoch, error) {
	if current == nil {
		return store.CreateSpec(e.ctx, spec)
	}
	starts, err := startsAfter(e.ctx, store, current)
	if err != nil {
		return nil, err
	}
	return store.NewEpoch(e.ctx, spec, starts)
}

// startsAfter says where the folds of an epoch stand. A partition that it has not reached yet stands where the epoch
// begins, which is where an older one left it.
func startsAfter(ctx context.Context, store *snapshot.Store, last *snapshot.Epoch) (map[snapshot.PartitionID]int64, error) {
	numbers, err := store.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	starts := map[snapshot.PartitionID]int64{}
	for _, n := range slices.Backward(numbers) {
		ep := last
		if n != last.Number {
			if ep, err = store.OpenEpoch(ctx, n); err != nil {
				return nil, err
			}
		}
		states, err := ep.LoadStates(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range states {
			if _, ok := starts[s.PartitionID]; ok {
				continue
			}
			if ep == last {
				starts[s.PartitionID] = s.Next
				continue
			}
			switch at, err := last.LoadStart(ctx, s.PartitionID); {
			case err == nil:
				starts[s.PartitionID] = at
			case !errors.Is(err, snapshot.ErrNotExist):
				return nil, err
			}
		}
	}
	return starts, nil
}

func pick(sketches []SketchConfig, name string) (SketchConfig, error) {
	var names []string
	for _, s := range sketches {
		if s.Name == name || name == "" && len(sketches) == 1 {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return SketchConfig{}, usagef("--name %q: the sketches are %v", name, names)
}

// topicPilot reads the newest records of all partitions of a sketch's topics.
func topicPilot(e *env, client *kafka.Client, sc SketchConfig, want int, timeout time.Duration) ([]float64, error) {
	pilot := sketcher.NewPilot(sc.Config, want)
	pilot.Log = e.log
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	parts := map[string][]int{}
	for _, t := range sc.Topics {
		parts[t] = sc.Partitions[t]
	}
	var once sync.Once
	deadline := time.AfterFunc(timeout, func() { once.Do(stop) })
	defer deadline.Stop()
	go func() {
		select {
		case <-pilot.Full():
			stop()
		case <-ctx.Done():
		}
	}()
	err := client.Static(parts).Run(ctx, func(ctx context.Context, p stream.Partition) error {
		start, end, err := p.Range(ctx)
		if err != nil {
			return err
		}
		return pilot.Collect(ctx, p, max(start, end-int64(want)))
	})
	x, n := pilot.Vectors()
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return nil, err
	case e.ctx.Err() != nil:
		return nil, e.ctx.Err()
	case n < 2:
		return nil, fmt.Errorf("topics %v gave %d usable records in %v: are the channels' paths right?", sc.Topics, n, timeout)
	}
	return x, nil
}

func (c *calibrateCmd) finish(e *env, spec *feature.Spec, r *feature.Report) error {
	if c.Out != "" {
		b, err := spec.Encode()
		if err != nil {
			return err
		}
		if err := writeFile(c.Out, b); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"out": c.Out, "map": spec.Fingerprint(), "features": spec.Features, "pilot": r.Records,
			"radius": []float64{r.R0, r.R1}, "health": number(r.Health), "warnings": append([]string{}, r.Warnings...)})
	}
	fmt.Fprint(e.stderr, fields("feature map", spec.Fingerprint(), "pilot records", r.Records, "channels", spec.Dim(), "features", spec.Features,
		"radius", fmt.Sprintf("%.3g to %.3g radians per standard unit", r.R0, r.R1), "non-Gaussian signal", fmt.Sprintf("%.1f times the noise", r.Health)))
	for _, ch := range r.Channels {
		note := ""
		if ch.Suggested != ch.Transform {
			note = fmt.Sprintf(", transform %v suggested", ch.Suggested)
		}
		fmt.Fprintf(e.stderr, "  %-20s %v, %v%s\n", ch.Name, ch.Kind, ch.Transform, note)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	return nil
}
