package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"phasor/stream/decode"
	"phasor/stream/kafka"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "phasor.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const example = `
store: file:///var/lib/phasor                     # or s3://bucket/prefix
kafka:
  brokers: [kafka-1:9093, kafka-2:9093]
  group: phasor
  tls: {ca: /etc/phasor/ca.pem}
  sasl: {mechanism: scram-sha-512, user: phasor, password_file: /run/secrets/kafka}
sketches:
  - name: press-line-4
    topics: [press.sensors]
    format: json
    time: {field: ts, unit: ms}                   # default: the record's timestamp
    where: {line: "4"}                            # optional: fields that must equal
    channels: [{name: temperature, path: readings.temp_c}, {name: pressure, path: readings.p_bar, transform: log1p}]
    missing: last                                 # or reject
    panes: {length: 60s, lateness: 60s}
    fit: {horizon: 24h, every: 10m, budget: 30s}
    drift: {reference: 7d, false_alarms: 1 per 30d}
listen: 127.0.0.1:9464
`

func TestExampleFile(t *testing.T) {
	c, err := loadConfig(file(t, example))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	day := Duration(24 * time.Hour)
	want := defaultConfig()
	want.Store, want.Listen = "file:///var/lib/phasor", "127.0.0.1:9464"
	want.Kafka = kafka.Config{Brokers: []string{"kafka-1:9093", "kafka-2:9093"}, Group: "phasor", TLS: &kafka.TLS{CA: "/etc/phasor/ca.pem"},
		SASL: &kafka.SASL{Mechanism: "scram-sha-512", User: "phasor", PasswordFile: "/run/secrets/kafka"}}
	want.Sketches = []SketchConfig{{Name: "press-line-4", Topics: []string{"press.sensors"},
		Config: decode.Config{Format: "json", Time: decode.Time{Field: "ts", Unit: "ms"}, Where: map[string]string{"line": "4"}, Missing: "last",
			Channels: []decode.Channel{{Name: "temperature", Path: "readings.temp_c"}, {Name: "pressure", Path: "readings.p_bar", Transform: "log1p"}}},
		Panes:       PanesConfig{Length: Duration(time.Minute), Lateness: Duration(time.Minute)},
		Calibrate:   CalibrateConfig{Seed: 1, Pilot: 10000, Timeout: Duration(30 * time.Second)},
		Fit:         FitConfig{Horizon: day, Every: Duration(10 * time.Minute), Budget: Duration(30 * time.Second), Records: 1000, Seed: 1},
		Drift:       DriftConfig{Mode: "scan", Reference: 7 * day, FalseAlarms: RunLength(30 * day)},
		OnTruncated: "fail", OnRetention: "fail", OnRecreated: "fail"}}
	// What a section has loaded is not in the file.
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(decode.Avro{}, decode.Protobuf{})); diff != "" {
		t.Error(diff)
	}
}

// The file that --help shows is one that loads, names every key there is, and says the defaults.
func TestHelpNamesEveryKey(t *testing.T) {
	_, text, ok := strings.Cut(configHelp, "error.\n")
	if !ok {
		t.Fatal("the help has no file")
	}
	c, err := loadConfig(file(t, text))
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	var walk func(at string, v reflect.Type)
	walk = func(at string, v reflect.Type) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			if v.Kind() == reflect.Slice {
				at += "[0]"
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return
		}
		for i := range v.NumField() {
			switch key := v.Field(i).Tag.Get("yaml"); key {
			case "-":
			case ",inline":
				walk(at, v.Field(i).Type)
			default:
				keys = append(keys, at+"."+key)
				walk(at+"."+key, v.Field(i).Type)
			}
		}
	}
	walk("$", reflect.TypeFor[Config]())
	if len(keys) < 50 {
		t.Fatalf("only %d keys were found: %v", len(keys), keys)
	}
	for _, key := range keys {
		if strings.Contains(key, "channels[0].transform") {
			key = strings.Replace(key, "[0].transform", "[1].transform", 1)
		}
		p, err := yaml.PathString(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.FilterFile(f); err != nil {
			t.Errorf("%s is not in the help", key)
		}
	}

	// What is shown as a default is one.
	want := defaultConfig()
	want.Sketches = []SketchConfig{SketchConfig{Topics: []string{"t"}}.withDefaults()}
	want.Kafka = want.Kafka.WithDefaults()
	have, s := c, c.Sketches[0]
	if have.Store != want.Store || have.Embedded != want.Embedded || have.Snapshot != want.Snapshot || have.Idle != want.Idle || have.Log != want.Log {
		t.Errorf("the help says %+v, the defaults are %+v", have, want)
	}
	have.Kafka.Brokers, have.Kafka.TLS, have.Kafka.SASL = nil, nil, nil
	if diff := cmp.Diff(want.Kafka, have.Kafka); diff != "" {
		t.Error(diff)
	}
	w := want.Sketches[0]
	w.Calibrate.Law, w.Calibrate.Directions, w.Fit.Threads = "log-radius", "dense", 1
	if s.Panes != w.Panes || s.Calibrate != w.Calibrate || s.Fit != w.Fit || s.Drift != w.Drift || s.OnTruncated != w.OnTruncated ||
		s.OnRetention != w.OnRetention || s.OnRecreated != w.OnRecreated || s.MaxBytes != decode.DefaultMaxBytes {
		t.Errorf("the help says %+v, the defaults are %+v", s, w)
	}
}

// configOf is the configuration that "phasor run" would work with.
func configOf(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	var c cli
	var out bytes.Buffer
	parser, err := newParser(&c, &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"run"}, args...)); err != nil {
		return Config{}, err
	}
	r := &c.Run
	return r.config(&env{ctx: context.Background(), stderr: &out}, "127.0.0.1:9464", r.kafkaFlags.apply, r.streamFlags.apply, r.fitFlags.apply, r.embeddedFlags.apply, (*Config).Validate)
}

func TestFlagsBeatEnvironmentBeatsFile(t *testing.T) {
	path := file(t, example)
	for _, test := range []struct {
		variable, value string
		flag, given     string
		get             func(Config) any
		file, env, both any
	}{
		{"PHASOR_STORE", "/env", "--store", "/flag", func(c Config) any { return c.Store }, "file:///var/lib/phasor", "/env", "/flag"},
		{"PHASOR_LISTEN", ":1", "--listen", ":2", func(c Config) any { return c.Listen }, "127.0.0.1:9464", ":1", ":2"},
		{"PHASOR_KAFKA_BROKERS", "e:1,f:1", "--kafka.brokers", "g:1", func(c Config) any { return strings.Join(c.Kafka.Brokers, " ") }, "kafka-1:9093 kafka-2:9093", "e:1 f:1", "g:1"},
		{"PHASOR_KAFKA_GROUP", "e", "--kafka.group", "f", func(c Config) any { return c.Kafka.Group }, "phasor", "e", "f"},
		{"PHASOR_KAFKA_TLS_CA", "e", "--kafka.tls.ca", "f", func(c Config) any { return c.Kafka.TLS.CA }, "/etc/phasor/ca.pem", "e", "f"},
		{"PHASOR_KAFKA_SASL_USER", "e", "--kafka.sasl.user", "f", func(c Config) any { return c.Kafka.SASL.User }, "phasor", "e", "f"},
		{"PHASOR_KAFKA_SASL_PASSWORD_FILE", "e", "--kafka.sasl.password_file", "f", func(c Config) any { return c.Kafka.SASL.PasswordFile }, "/run/secrets/kafka", "e", "f"},
		{"PHASOR_NAME", "e", "--name", "f", func(c Config) any { return c.Sketches[0].Name }, "press-line-4", "e", "f"},
		{"PHASOR_TOPICS", "e", "--topics", "f", func(c Config) any { return c.Sketches[0].Topics[0] }, "press.sensors", "e", "f"},
		{"PHASOR_TOPICS", "e", "--topic", "f", func(c Config) any { return c.Sketches[0].Topics[0] }, "press.sensors", "e", "f"},
		{"PHASOR_CHANNELS", "a=b,c", "--channels", "d", func(c Config) any { return c.Sketches[0].Channels[0].Path }, "readings.temp_c", "b", ""},
		{"PHASOR_MISSING", "reject", "--missing", "last", func(c Config) any { return c.Sketches[0].Missing }, "last", "reject", "last"},
		{"PHASOR_TIME_UNIT", "s", "--time.unit", "us", func(c Config) any { return c.Sketches[0].Time.Unit }, "ms", "s", "us"},
		{"PHASOR_PANES_LENGTH", "30s", "--panes.length", "90s", func(c Config) any { return c.Sketches[0].Panes.Length.String() }, "1m0s", "30s", "1m30s"},
		{"PHASOR_CALIBRATE_PILOT", "7", "--calibrate.pilot", "8", func(c Config) any { return c.Sketches[0].Calibrate.Pilot }, 10000, 7, 8},
		{"PHASOR_FIT_HORIZON", "2d", "--fit.horizon", "3d", func(c Config) any { return c.Sketches[0].Fit.Horizon.String() }, "1d", "2d", "3d"},
		{"PHASOR_DRIFT_REFERENCE", "2d", "--drift.reference", "3d", func(c Config) any { return c.Sketches[0].Drift.Reference.String() }, "7d", "2d", "3d"},
		{"PHASOR_DRIFT_FALSE_ALARMS", "2 per 30d", "--drift.false_alarms", "3 per 30d", func(c Config) any { return c.Sketches[0].Drift.FalseAlarms.String() }, "1 per 30d", "1 per 15d", "1 per 10d"},
		{"PHASOR_SNAPSHOT_TIMEOUT", "10s", "--snapshot.timeout", "20s", func(c Config) any { return c.Snapshot.Timeout.String() }, "30s", "10s", "20s"},
		{"PHASOR_SNAPSHOT_INTERVAL", "1s", "--snapshot.interval", "2s", func(c Config) any { return c.Snapshot.Interval.String() }, "10s", "1s", "2s"},
		{"PHASOR_IDLE_TIMEOUT", "1s", "--idle.timeout", "2s", func(c Config) any { return c.Idle.Timeout.String() }, "1m0s", "1s", "2s"},
		{"PHASOR_EMBEDDED_PARTITIONS", "2", "--embedded.partitions", "3", func(c Config) any { return c.Embedded.Partitions }, 4, 2, 3},
	} {
		t.Run(test.flag, func(t *testing.T) {
			check := func(what string, want any, args ...string) {
				t.Helper()
				c, err := configOf(t, append([]string{"--config", path}, args...)...)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if have := test.get(c); have != want {
					t.Errorf("%s: %v, want %v", what, have, want)
				}
			}
			check("the file alone", test.file)
			t.Setenv(test.variable, test.value)
			check("environment over file", test.env)
			check("flag over environment", test.both, test.flag, test.given)
		})
	}
}

func TestConfigurationErrors(t *testing.T) {
	sketch := func(text string) string { return "sketches: [{topics: [a], channels: [{name: x}], " + text + "}]" }
	for text, want := range map[string]string{
		"bogus: 1":                                                          `[1:1] unknown field "bogus"`,
		"snapshot: {intervall: 10s}":                                        `[1:12] unknown field "intervall"`,
		"kafka: {broker: [a:1]}":                                            `unknown field "broker"`,
		sketch("chanels: []"):                                               `unknown field "chanels"`,
		sketch("avro: {password: x}"):                                       `or avro.password_file, or set`,
		sketch("avro: {schema: x.avsc}"):                                    `set format: avro or remove the section`,
		"snapshot: {interval: 10}":                                          `[1:22] snapshot.interval: duration "10": write it like 30s`,
		"snapshot: {interval: &a 10x}":                                      `snapshot.interval: duration "10x"`,
		"idle: {timeout: [1s]}":                                             `[1:17] idle.timeout: one value is wanted`,
		"kafka: {session: 7d}":                                              `[1:18] kafka.session: duration "7d": write it like 500ms`,
		"kafka:\n  fetch: {max_wait: 5}":                                    `[2:21] kafka.fetch.max_wait: duration "5"`,
		"kafka: {brokers: kafka}":                                           `[1:18]`,
		"store: a\nstore: b":                                                `already defined`,
		"sketches:\n ! }":                                                   `look for a tag (!)`,
		"idle: [":                                                           `[1:7]`,
		"listen: 127.0.0.1:0":                                               `no sketch is configured: give --config FILE, or --topics and --channels`,
		"sketches: {}":                                                      `[1:11]`,
		"sketches: [{channels: [{name: x}]}]":                               `no topics`,
		"sketches: [{topics: [a]}]":                                         `no channels`,
		sketch("format: thrift"):                                            `unknown format "thrift": use one of json`,
		sketch("missing: zero"):                                             `missing is "zero"`,
		sketch("time: {field: t, unit: fortnight}"):                         `unknown time unit "fortnight"`,
		sketch("time: {unit: ms}"):                                          `without a time field`,
		sketch("csv: {delimiter: ';'}"):                                     `a csv section with format json`,
		sketch("panes: {length: 1s, lateness: 7s}"):                         `panes.lateness is 7s with panes of 1s`,
		sketch("panes: {length: 1h30}"):                                     `sketches[0].panes.length: duration "1h30"`,
		sketch("fit: {budget: -5s}"):                                        `sketches[0].fit.budget: duration "-5s": it cannot be negative`,
		sketch("fit: {records: 1}"):                                         `fit.records is 1`,
		sketch("fit: {threads: -1}"):                                        `fit.threads is -1`,
		sketch("drift: {false_alarms: often}"):                              `sketches[0].drift.false_alarms: false alarms "often": write how many`,
		sketch("calibrate: {features: 33}"):                                 `calibrate.features is 33: it must be a multiple of 32`,
		sketch("calibrate: {pilot: 1}"):                                     `calibrate.pilot is 1`,
		sketch("calibrate: {law: cauchy}"):                                  `calibrate.law is "cauchy": it must be one of log-radius`,
		sketch("calibrate: {directions: up}"):                               `calibrate.directions is "up"`,
		sketch("on_truncated: new"):                                         `on_truncated is "new": it must be fail or continue`,
		sketch("on_recreated: shrug"):                                       `on_recreated is "shrug"`,
		sketch("on_retention: shrug"):                                       `on_retention is "shrug"`,
		sketch("partitions: {b: [0]}"):                                      `partitions names the topic "b"`,
		sketch("dead_letters: a"):                                           `dead_letters is the topic "a", which a sketch reads`,
		sketch("score: {quantile: .9, topic: a}"):                           `score.topic is the topic "a", which a sketch reads`,
		sketch("score: {quantile: 1.5}"):                                    `score.quantile is 1.5`,
		sketch("score: {quantile: .9, share: -1}"):                          `score.share is -1`,
		sketch("score: {topic: odd}"):                                       `score has no quantile`,
		"sketches: [{topics: [a], channels: [{name: x, transform: cube}]}]": `channel "x" has the transform "cube"`,
		"sketches: [{topics: [a], channels: [{name: x}]}, {topics: [a], channels: [{name: x}]}]":               `two sketches are named "a"`,
		"snapshot: {timeout: 1ms}\n" + sketch("missing: last"):                                                 `snapshot.timeout is 1ms`,
		"snapshot: {interval: 1ms}\n" + sketch("missing: last"):                                                `snapshot.interval is 1ms`,
		"embedded: {partitions: -1}\n" + sketch("missing: last"):                                               `embedded.partitions is -1`,
		"log: {format: xml}\n" + sketch("missing: last"):                                                       `log.format is "xml"`,
		"log: {level: loud}\n" + sketch("missing: last"):                                                       `log.level is "loud"`,
		"sketches: [{topics: [a], channels: [{name: x}]}, {topics: [b], channels: [{name: x}]}] # --topics":    `the file configures 2 sketches`,
		"sketches: [{topics: [a], channels: [{name: x}]}, {topics: [b], channels: [{name: x}]}] # --name":      `the file configures 2 sketches`,
		"sketches: [{topics: [a], channels: [{name: x}]}, {topics: [b], channels: [{name: x}]}] # --fit.every": `the file configures 2 sketches`,
	} {
		args := []string{"--config", file(t, text)}
		if _, flag, ok := strings.Cut(text, "# "); ok {
			args = append(args, flag, "5s")
		}
		_, err := configOf(t, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if exitCode(err) != 2 {
			t.Errorf("%s: exit code %d, want 2", text, exitCode(err))
		}
	}
}

// No error shows a line of the file: a password may stand in it.
func TestErrorsOfTheFileDoNotShowIt(t *testing.T) {
	for _, text := range []string{
		"kafka: {sasl: {password: hunter2}}",
		"kafka: {sasl: {user: [hunter2]}}",
		"password: hunter2",
		"kafka: {sasl: {password: hunter2, }}}",
		"kafka: {sasl: hunter2}",
		"kafka:\n\tsasl: hunter2",
	} {
		_, err := loadConfig(file(t, text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := configOf(t, "--topics", "a,b", "--channels", "x,y=p.q")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Sketches[0]
	if s.Name != "a" || !slices.Equal(s.Topics, []string{"a", "b"}) || s.Channels[1] != (decode.Channel{Name: "y", Path: "p.q"}) {
		t.Errorf("%+v", s)
	}
	if c.Listen != "127.0.0.1:9464" || s.Panes.Lateness.D() != time.Minute {
		t.Errorf("%+v", c)
	}
	// A Kafka in memory begins anew with each process, and nobody is surprised by it.
	if s.OnRecreated != "continue" || s.OnTruncated != "fail" {
		t.Errorf("on_recreated is %s, on_truncated %s", s.OnRecreated, s.OnTruncated)
	}
	for _, args := range [][]string{{"--embedded.dir", "log"}, {"--kafka.brokers", "kafka:9092"}} {
		c, err := configOf(t, append(args, "--topics", "a", "--channels", "x")...)
		if err != nil || c.Sketches[0].OnRecreated != "fail" {
			t.Errorf("%v: on_recreated is %v, %v", args, c.Sketches, err)
		}
	}
}

func TestTrainerNeedsANameOnly(t *testing.T) {
	c := Config{Sketches: []SketchConfig{{Name: "press"}}}
	full := defaultConfig()
	full.Sketches = c.Sketches
	if err := validateTrained(&full); err != nil || full.Sketches[0].Fit.Records != 1000 {
		t.Errorf("%v, %+v", err, full.Sketches)
	}
	full.Sketches = []SketchConfig{{}}
	if err := validateTrained(&full); exitCode(err) != 2 {
		t.Error(err)
	}
	full.Sketches = []SketchConfig{{Name: "press", Fit: FitConfig{Records: 1}}}
	if err := validateTrained(&full); err == nil || !strings.Contains(err.Error(), "fit.records") {
		t.Error(err)
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range []error{nil, errors.New("x"), usagef("x")} {
		if have := exitCode(err); have != want {
			t.Errorf("%v: %d, want %d", err, have, want)
		}
	}
	if exitCode(errors.Join(errors.New("x"), usage(errors.New("y")))) != 2 {
		t.Error("an error of usage is not found in others")
	}
}

// The configurations that the documents show are taken as they are.
func TestDocumentsShowConfigurationsThatWork(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("README.md shows no configuration")
	}
	path := filepath.Join(t.TempDir(), "phasor.yaml")
	for _, block := range blocks {
		if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(path)
		if err != nil {
			t.Errorf("%v:\n%s", err, block[1])
		}
		if strings.Contains(block[1], "brokers") && !slices.Equal(c.Kafka.Brokers, []string{"localhost:9092"}) {
			t.Errorf("the brokers of README.md are read as %q", c.Kafka.Brokers)
		}
	}
}
