package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// Config is the file that --config names. Everything but a topic and its channels has a default.
type Config struct {
	Store    string         `yaml:"store"`
	Kafka    kafka.Config   `yaml:"kafka"`
	Embedded EmbeddedConfig `yaml:"embedded"`
	Sketches []SketchConfig `yaml:"sketches"`
	Snapshot SnapshotConfig `yaml:"snapshot"`
	Idle     IdleConfig     `yaml:"idle"`
	Listen   string         `yaml:"listen"`
	Log      LogConfig      `yaml:"log"`
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
	OnTruncated   string          `yaml:"on_truncated"` // fail, continue or new: a log shorter than our position.
	OnRetention   string          `yaml:"on_retention"` // fail or continue: records lost before they were read.
	OnRecreated   string          `yaml:"on_recreated"` // fail or new: a topic created again, or a replaced record.
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
	Horizon Duration `yaml:"horizon"` // 0: everything since the last change.
	Every   Duration `yaml:"every"`
	Budget  Duration `yaml:"budget"` // 0: a fixed number of steps.
	Records int64    `yaml:"records"`
	Seed    uint64   `yaml:"seed"`
	Threads int      `yaml:"threads"`
}

// DriftConfig says what an alarm is worth.
type DriftConfig struct {
	Reference   Duration  `yaml:"reference"`
	FalseAlarms RunLength `yaml:"false_alarms"`
}

// SnapshotConfig says how often partitions are saved.
type SnapshotConfig struct {
	Interval Duration `yaml:"interval"`
}

// IdleConfig says when a caught-up partition no longer holds back an interval.
type IdleConfig struct {
	Timeout Duration `yaml:"timeout"`
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
		Snapshot: SnapshotConfig{Interval: Duration(10 * time.Second)},
		Idle:     IdleConfig{Timeout: Duration(time.Minute)},
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
	if s.Drift.FalseAlarms == 0 {
		s.Drift.FalseAlarms = RunLength(30 * 24 * time.Hour)
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
	for _, p := range []struct {
		name, value string
		known       []string
	}{{"on_truncated", s.OnTruncated, []string{"fail", "continue", "new"}}, {"on_retention", s.OnRetention, []string{"fail", "continue"}},
		{"on_recreated", s.OnRecreated, []string{"fail", "new"}}} {
		if !slices.Contains(p.known, p.value) {
			return at("%s is %q: it must be one of %s", p.name, p.value, strings.Join(p.known, ", "))
		}
	}
	if s.Calibrate.Features%32 != 0 || s.Calibrate.Features < 0 {
		return at("calibrate.features is %d: it must be a multiple of 32", s.Calibrate.Features)
	}
	if s.Calibrate.Pilot < 2 {
		return at("calibrate.pilot is %d: a pilot needs at least 2 records; 10000 are advised", s.Calibrate.Pilot)
	}
	if err := s.Config.Validate(); err != nil {
		return at("%w", err)
	}
	return nil
}

// Validate checks the whole configuration for a command that folds or fits sketches.
func (c *Config) Validate() error {
	if len(c.Sketches) == 0 {
		return usagef("no sketch is configured: give --config FILE, or --topic and --channels")
	}
	names := map[string]bool{}
	for i := range c.Sketches {
		c.Sketches[i] = c.Sketches[i].withDefaults()
		s := &c.Sketches[i]
		if err := s.Validate(); err != nil {
			return usage(err)
		}
		if names[s.Name] {
			return usagef("two sketches are named %q: names must differ, for they name the objects in the store", s.Name)
		}
		names[s.Name] = true
	}
	if c.Snapshot.Interval <= 0 {
		return usagef("snapshot.interval is %v: it must be above 0, or nothing would be saved", c.Snapshot.Interval)
	}
	return nil
}

// loadConfig reads the file, if one is named, over the defaults. Unknown keys are errors that show their line.
func loadConfig(path string) (Config, error) {
	c := defaultConfig()
	if path == "" {
		return c, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, &c, yaml.Strict()); err != nil {
		return c, usage(fmt.Errorf("%s: %w", path, err))
	}
	return c, nil
}
