package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// Config is the file that --config names. Everything but a topic and its channels has a default.
type Config struct {
	Store     string          `yaml:"store"`
	Kafka     kafka.Config    `yaml:"kafka"`
	Embedded  EmbeddedConfig  `yaml:"embedded"`
	Sketches  []SketchConfig  `yaml:"sketches"`
	Snapshot  SnapshotConfig  `yaml:"snapshot"`
	Idle      IdleConfig      `yaml:"idle"`
	Serve     ServeConfig     `yaml:"serve"`
	Listen    string          `yaml:"listen"`
	Web       WebConfig       `yaml:"web"`
	Pprof     PprofConfig     `yaml:"pprof"`
	Integrity IntegrityConfig `yaml:"integrity"`
	Log       LogConfig       `yaml:"log"`
}

// EmbeddedConfig is the in-process Kafka that run and demo start when no brokers are named.
type EmbeddedConfig struct {
	Dir        string `yaml:"dir"`
	Port       int    `yaml:"port"`
	Partitions int    `yaml:"partitions"`
}

// SketchConfig is one sketch: which records, as which vectors, in which panes, and what is done with them.
type SketchConfig struct {
	Name          string           `yaml:"name"`
	Topics        []string         `yaml:"topics"`
	Partitions    map[string][]int `yaml:"partitions"` // Static assignment; empty: the consumer group.
	decode.Config `yaml:",inline"`
	Panes         PanesConfig     `yaml:"panes"`
	Calibrate     CalibrateConfig `yaml:"calibrate"`
	Fit           FitConfig       `yaml:"fit"`
	Drift         DriftConfig     `yaml:"drift"`
	DeadLetters   string          `yaml:"dead_letters"` // Topic that rejected records are written to.
	Score         ScoreConfig     `yaml:"score"`
	OnTruncated   string          `yaml:"on_truncated"` // fail or continue: the log is shorter than our position.
	OnRetention   string          `yaml:"on_retention"` // fail or continue: records were lost before they were read.
	OnRecreated   string          `yaml:"on_recreated"` // fail or continue: a topic was created again, or its last record replaced.
}

// PanesConfig cuts event time.
type PanesConfig struct {
	Length   Duration `yaml:"length"`
	Lateness Duration `yaml:"lateness"`
}

// CalibrateConfig says how the first sketcher draws the feature map.
type CalibrateConfig struct {
	Features   int      `yaml:"features"`
	Law        string   `yaml:"law"`
	Directions string   `yaml:"directions"`
	Seed       uint64   `yaml:"seed"`
	Pilot      int      `yaml:"pilot"`
	Timeout    Duration `yaml:"timeout"`
}

// FitConfig says when and on what the generator is refitted.
type FitConfig struct {
	Horizon  Duration `yaml:"horizon"`   // 0: everything since the last change.
	All      bool     `yaml:"all"`       // Everything ever folded.
	Range    string   `yaml:"range"`     // T1..T2, whatever comes after it.
	HalfLife Duration `yaml:"half_life"` // Older panes count less.
	Every    Duration `yaml:"every"`
	Budget   Duration `yaml:"budget"` // 0: a fixed number of steps.
	Records  int64    `yaml:"records"`
	Seed     uint64   `yaml:"seed"`
	Threads  int      `yaml:"threads"`
}

// DriftConfig says what an alarm is worth.
type DriftConfig struct {
	Mode        string    `yaml:"mode"` // scan, shiryaev-roberts or rolling.
	Reference   Duration  `yaml:"reference"`
	Against     string    `yaml:"against"` // model or T1..T2, in place of what came since the last change.
	Cooldown    Duration  `yaml:"cooldown"`
	Passing     bool      `yaml:"passing"` // Alarms that pass let go of themselves.
	FalseAlarms RunLength `yaml:"false_alarms"`
}

// ScoreConfig says which folded records are scored by the newest model, and what is odd.
type ScoreConfig struct {
	Quantile float64 `yaml:"quantile"` // Of the model's own records; a record beyond it is odd. 0: none is scored.
	Share    float64 `yaml:"share"`    // Of the records that are scored, chosen by their offsets.
	Topic    string  `yaml:"topic"`    // That odd records are written to.
}

// SnapshotConfig says how often partitions are saved, and how long the store may take for one object.
type SnapshotConfig struct {
	Interval Duration `yaml:"interval"`
	Timeout  Duration `yaml:"timeout"`
}

// IdleConfig says when a caught-up partition no longer holds back an interval.
type IdleConfig struct {
	Timeout Duration `yaml:"timeout"`
}

// ServeConfig bounds what requests to a model may ask for.
type ServeConfig struct {
	Poll    Duration `yaml:"poll"`     // Between two looks for a newer version.
	Timeout Duration `yaml:"timeout"`  // Of a request.
	Active  int      `yaml:"active"`   // Requests that compute at a time; 0: two for each processor.
	Records int      `yaml:"records"`  // In a request.
	MaxBody int64    `yaml:"max_body"` // Bytes.
}

// LogConfig is about the program's own log.
type LogConfig struct {
	Format string `yaml:"format"`
	Level  string `yaml:"level"`
}

// defaultConfig is what holds where neither file nor environment nor flag says otherwise.
func defaultConfig() Config {
	return Config{
		Store:    "phasor-data",
		Embedded: EmbeddedConfig{Partitions: 4},
		Snapshot: SnapshotConfig{Interval: Duration(10 * time.Second), Timeout: Duration(30 * time.Second)},
		Idle:     IdleConfig{Timeout: Duration(time.Minute)},
		Serve:    ServeConfig{Poll: Duration(5 * time.Second), Timeout: Duration(10 * time.Second), Records: 1000, MaxBody: 1 << 20},
		Log:      LogConfig{Format: "text", Level: "info"},
	}
}

// withDefaults fills what a sketch leaves open.
func (s SketchConfig) withDefaults() SketchConfig {
	def := func(d *Duration, v time.Duration) {
		if *d == 0 {
			*d = Duration(v)
		}
	}
	if s.Name == "" && len(s.Topics) > 0 {
		s.Name = s.Topics[0]
	}
	def(&s.Panes.Length, time.Minute)
	def(&s.Panes.Lateness, s.Panes.Length.D())
	def(&s.Calibrate.Timeout, 30*time.Second)
	def(&s.Fit.Every, 10*time.Minute)
	def(&s.Fit.Budget, 30*time.Second)
	def(&s.Drift.Reference, 7*24*time.Hour)
	if s.Calibrate.Pilot == 0 {
		s.Calibrate.Pilot = 10000
	}
	if s.Calibrate.Seed == 0 {
		s.Calibrate.Seed = 1
	}
	if s.Fit.Records == 0 {
		s.Fit.Records = 1000
	}
	if s.Fit.Seed == 0 {
		s.Fit.Seed = 1
	}
	if s.Drift.Mode == "" {
		s.Drift.Mode = "scan"
	}
	if s.Drift.FalseAlarms == 0 {
		s.Drift.FalseAlarms = RunLength(30 * 24 * time.Hour)
	}
	if s.Score.Quantile != 0 && s.Score.Share == 0 {
		s.Score.Share = 1
	}
	for _, p := range []*string{&s.OnTruncated, &s.OnRetention, &s.OnRecreated} {
		if *p == "" {
			*p = "fail"
		}
	}
	return s
}

// Validate says what is wrong with a sketch and what to do about it.
func (s *SketchConfig) Validate() error {
	at := func(format string, a ...any) error {
		return fmt.Errorf("sketch %q: %w", s.Name, fmt.Errorf(format, a...))
	}
	if len(s.Topics) == 0 {
		return at("no topics: name the topic whose records it folds, as in topics: [press.sensors]")
	}
	for t := range s.Partitions {
		if !slices.Contains(s.Topics, t) {
			return at("partitions names the topic %q, which is not among its topics %v", t, s.Topics)
		}
	}
	if err := s.validateOutputs(); err != nil {
		return at("%w", err)
	}
	for _, p := range []struct{ name, value string }{{"on_truncated", s.OnTruncated}, {"on_retention", s.OnRetention}, {"on_recreated", s.OnRecreated}} {
		if v := sketcher.Policy(p.value); v != sketcher.Fail && v != sketcher.Continue {
			return at("%s is %q: it must be %s or %s", p.name, p.value, sketcher.Fail, sketcher.Continue)
		}
	}
	if s.Calibrate.Features%32 != 0 || s.Calibrate.Features < 0 {
		return at("calibrate.features is %d: it must be a multiple of 32", s.Calibrate.Features)
	}
	if s.Calibrate.Pilot < 2 {
		return at("calibrate.pilot is %d: a pilot needs at least 2 records; 10000 are advised", s.Calibrate.Pilot)
	}
	if l := s.Calibrate.Law; l != "" && !slices.Contains(feature.Laws(), l) {
		return at("calibrate.law is %q: it must be one of %s", l, strings.Join(feature.Laws(), ", "))
	}
	if d := s.Calibrate.Directions; d != "" && d != "dense" && d != "selected" {
		return at("calibrate.directions is %q: it must be dense or selected", d)
	}
	if n, l := s.Panes.Lateness.D(), s.Panes.Length.D(); n > sketcher.MaxLateness*l {
		return at("panes.lateness is %v with panes of %v: more than %d lengths would hold too many panes open; lengthen the panes or lower the lateness", n, l, sketcher.MaxLateness)
	}
	for _, ch := range s.Channels {
		if _, err := feature.ParseTransform(ch.Transform); err != nil && ch.Transform != "" && ch.Transform != "auto" {
			return at("channel %q has the transform %q: use identity, log1p, asinh or auto", ch.Name, ch.Transform)
		}
	}
	if err := s.Config.Validate(); err != nil {
		return at("%w", err)
	}
	return s.validateFit()
}

// validateFit checks what a trainer needs.
func (s *SketchConfig) validateFit() error {
	if err := s.checkPast(); err != nil {
		return err
	}
	if s.Fit.Records < 2 {
		return fmt.Errorf("sketch %q: fit.records is %d: a fit needs at least 2 records", s.Name, s.Fit.Records)
	}
	if s.Fit.Threads < 0 {
		return fmt.Errorf("sketch %q: fit.threads is %d: it cannot be negative; 0 means one", s.Name, s.Fit.Threads)
	}
	return nil
}

// Validate says which limit makes no sense.
func (s ServeConfig) Validate() error {
	switch {
	case s.Poll.D() < 10*time.Millisecond:
		return usagef("serve.poll is %v: the store would do nothing else; 5s is usual", s.Poll)
	case s.Timeout.D() < 10*time.Millisecond:
		return usagef("serve.timeout is %v: no request would be answered; 10s is usual", s.Timeout)
	case s.Active < 0 || s.Records < 1 || s.MaxBody < 1:
		return usagef("serve.active is %d, serve.records %d and serve.max_body %d: give 0 or more, 1 or more and 1 or more", s.Active, s.Records, s.MaxBody)
	}
	return nil
}

// Validate says which key of the log is wrong.
func (l LogConfig) Validate() error {
	if !slices.Contains([]string{"", "text", "json"}, l.Format) {
		return usagef("log.format is %q: it must be text or json", l.Format)
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, l.Level) {
		return usagef("log.level is %q: it must be debug, info, warn or error", l.Level)
	}
	return nil
}

// Validate checks the whole configuration for a command that folds sketches.
func (c *Config) Validate() error {
	if len(c.Sketches) == 0 {
		return usagef("no sketch is configured: give --config FILE, or --topics and --channels")
	}
	return c.validate((*SketchConfig).Validate)
}

// validate fills in the defaults, checks each sketch and everything else.
func (c *Config) validate(sketch func(*SketchConfig) error) error {
	names := map[string]bool{}
	for i := range c.Sketches {
		c.Sketches[i] = c.Sketches[i].withDefaults()
		s := &c.Sketches[i]
		if err := sketch(s); err != nil {
			return usage(err)
		}
		if names[s.Name] {
			return usagef("two sketches are named %q: names must differ, for they name the objects in the store", s.Name)
		}
		names[s.Name] = true
	}
	if err := c.checkOutputs(); err != nil {
		return usage(err)
	}
	if c.Snapshot.Interval.D() < 10*time.Millisecond {
		return usagef("snapshot.interval is %v: the store would do nothing else; 10s is usual", c.Snapshot.Interval)
	}
	if c.Snapshot.Timeout.D() < time.Second {
		return usagef("snapshot.timeout is %v: a store that is slow for a moment would be given up; 30s is usual", c.Snapshot.Timeout)
	}
	if c.Embedded.Partitions < 1 {
		return usagef("embedded.partitions is %d: a topic needs at least 1", c.Embedded.Partitions)
	}
	for _, validate := range []func() error{c.Serve.Validate, c.Web.Validate, c.Pprof.Validate} {
		if err := validate(); err != nil {
			return err
		}
	}
	return c.Log.Validate()
}
