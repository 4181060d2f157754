package main

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// configHelp is every key of the file with its default, or an example where there is none.
const configHelp = `
The file of --config, with the defaults or an example of each key. Flags beat environment variables, these beat the
file; an unknown key is an error.

  store: phasor-data               # a folder, file:///folder or s3://bucket/prefix
  integrity: {key_file: /run/secrets/phasor-keys, allow_unsigned: false}   # objects are signed; or PHASOR_INTEGRITY_KEY
  listen: 127.0.0.1:9464           # page, /metrics, /config, /livez and /readyz
  web: {config: web.yml, probes: open}   # TLS and passwords as of Prometheus exporters; probes: closed asks for them, too
  pprof: {listen: ""}              # 127.0.0.1:6060, for example: profiles, on loopback only
  kafka:
    brokers: [kafka-1:9093]        # none: "phasor run" starts an embedded one
    group: phasor                  # each sketch reads as GROUP.SKETCH
    client_id: phasor
    tls: {ca: ca.pem, cert: client.pem, key: client.key, server_name: kafka, insecure_skip_verify: false}
    sasl: {mechanism: scram-sha-512, user: phasor, password_file: /run/secrets/kafka}   # or PHASOR_KAFKA_PASSWORD
    isolation: read_committed      # or read_uncommitted
    corrupt: fail                  # or skip: batches that cannot be read
    fetch: {max_bytes: 1048576, max_wait: 500ms, batch_limit: 134217728, decompression_limit: 67108864}
    session: 10s
    heartbeat: 1s
    dial_timeout: 5s
    request_timeout: 10s
    stall: 30s                     # no progress for so long: connect anew
    watch: 10s                     # how often new partitions are looked for
  embedded: {dir: "", port: 0, partitions: 4}
  snapshot: {interval: 10s, timeout: 30s}
  serve: {poll: 5s, timeout: 10s, active: 0, records: 1000, max_body: 1048576}   # of the API; active 0: two a processor
  idle: {timeout: 60s}             # a caught-up partition holds nothing back for longer
  log: {format: text, level: info}
  sketches:
    - name: press-line-4           # default: its first topic
      topics: [press.sensors]
      partitions: {press.sensors: [0, 1]}   # static; default: the consumer group decides
      format: json                 # csv, float32, float64, tags, log, avro or protobuf
      channels: [{name: temperature, path: readings.temp_c}, {name: pressure, transform: log1p}]
      array: ""                    # path of an array that holds the channels in order
      # unit: s, ms, us, ns, rfc3339, datetime, or a layout: "%Y-%m-%d %H:%M:%S", syslog, log4j, clf, auto; with these
      # zone: +01:00 and year: 2025 stand for what is not written. Without a field the record's timestamp counts.
      time: {field: ts, unit: ms, zone: "", year: 0}
      where: {line: "4"}           # fields that must equal
      missing: reject              # or last: repeat the channel's last value
      max_bytes: 1048576           # longer records are rejected
      numeric_strings: false       # take "1.5" for 1.5
      booleans: false              # take true for 1
      csv: {delimiter: ",", header: [a, b], decimal: ".", nulls: ["NA"]}   # with format csv
      tags: {tag: tag, value: value, time: ts, tick: 0}                    # with format tags; tick in milliseconds
      # With format log. pattern: a name such as hdfs, syslog or json, or a template such as "<time> <level> <message>".
      log: {pattern: "", regexp: "", level: "", message: "", hash: 16, templates: 0, norm: length, unmatched: reject}
      # With format avro: schema, a file (found from the folder of this one) or the text of plain records' schema, or registry.
      avro: {schema: reading.avsc, registry: "", user: "", password_file: "", ca: "", cert: "", key: ""}   # or PHASOR_REGISTRY_PASSWORD
      protobuf: {descriptors: reading.binpb, message: plant.v1.Reading, wire: plain}   # or wire: confluent; with format protobuf
      window: {lags: 0, key: "", stride: 1, keys: 10000}   # vectors of the last values of a key; $key: the record's
      panes: {length: 60s, lateness: 60s}
      calibrate: {features: 0, law: log-radius, directions: dense, seed: 1, pilot: 10000, timeout: 30s}
      # Of horizon (24h: the last day), all (everything ever), range (T1..T2) and half_life (6h: older panes count less)
      # one may be set; none of them: what came since the last change.
      fit: {horizon: 0s, all: false, range: "", half_life: 0s, every: 10m, budget: 30s, records: 1000, seed: 1, threads: 1}
      # mode: scan, shiryaev-roberts (slow changes, from 200 panes on) or rolling (a stream that changes often). against: model, or T1..T2,
      # is the reference in place of what came since the last change. passing: alarms that pass let go of themselves.
      drift: {mode: scan, reference: 7d, against: "", false_alarms: 1 per 30d, cooldown: 0s, passing: false}
      # Topics written beside folding. Rejected records go to dead_letters as they are, with place and reason in headers. With
      # a quantile, the share of the folded records is scored by the newest model (at most one core), and what lies beyond
      # the quantile of its own records is counted as odd and, with a topic, written to it.
      dead_letters: ""
      score: {quantile: 0, share: 1, topic: ""}
      on_truncated: fail           # or continue, with the gap on record: the log is shorter than our position
      on_retention: fail           # or continue: records were deleted before they were read
      on_recreated: fail           # or continue: the topic was created again
`

// loadConfig reads the file, if one is named, over the defaults. Errors name the place in the file and never show its
// lines, for they may hold what nobody should see.
func loadConfig(path string) (Config, error) {
	c := defaultConfig()
	if path == "" {
		return c, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	f, err := parseYAML(b)
	if err != nil {
		return c, usagef("%s: %s", path, yaml.FormatError(err, false, false))
	}
	if err := checkDurations(f, "$.kafka", reflect.TypeFor[kafka.Config]()); err != nil {
		return c, usagef("%s: %w", path, err)
	}
	if !slices.ContainsFunc(f.Docs, func(d *ast.DocumentNode) bool {
		return d.Body != nil && d.Body.Type() != ast.CommentType && d.Body.Type() != ast.NullType
	}) {
		return c, nil // It says nothing, which a decoder would take for nothing at all.
	}
	if err := calmly(func() error { return yaml.UnmarshalWithOptions(b, &c, yaml.Strict()) }); err != nil {
		text := strings.TrimSpace(yaml.FormatError(err, false, false))
		if strings.Contains(text, `unknown field "password"`) {
			text += ": a password is not written here: name its file as kafka.sasl.password_file or avro.password_file, or set " + kafka.PasswordVariable + " or " + decode.RegistryPasswordVariable
		}
		return c, usagef("%s: %s", path, text)
	}
	dir, err := filepath.Abs(filepath.Dir(path)) // What is printed holds wherever it is read.
	if err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	for i := range c.Sketches {
		s := &c.Sketches[i]
		if f := s.Avro.Schema; f != "" && !decode.InlineSchema(f) && !filepath.IsAbs(f) {
			s.Avro.Schema = filepath.Join(dir, f)
		}
		if f := s.Protobuf.Descriptors; f != "" && !decode.InlineDescriptors(f) && !filepath.IsAbs(f) {
			s.Protobuf.Descriptors = filepath.Join(dir, f)
		}
	}
	return c, nil
}

// parseYAML parses a file.
func parseYAML(b []byte) (f *ast.File, err error) {
	err = calmly(func() (err error) {
		f, err = parser.ParseBytes(b, 0)
		return err
	})
	return f, err
}

// calmly makes an error of a panic: the YAML library has some for tags and anchors that stand before nothing.
func calmly(read func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("this is no YAML that can be read: look for a tag (!) or an anchor (&) without a value")
		}
	}()
	return read()
}

// unmarshalNode gives the text of a scalar to v and says where in the file it stood.
func unmarshalNode(node ast.Node, v encoding.TextUnmarshaler) error {
	if a, ok := node.(*ast.AnchorNode); ok {
		node = a.Value
	}
	if _, ok := node.(*ast.NullNode); ok {
		return nil
	}
	s, ok := node.(ast.ScalarNode)
	if !ok {
		return at(node, errors.New("one value is wanted, not a list or a section"))
	}
	return at(node, v.UnmarshalText([]byte(s.GetToken().Value)))
}

// at puts the place in the file before an error.
func at(node ast.Node, err error) error {
	if err == nil {
		return nil
	}
	p := node.GetToken().Position
	return fmt.Errorf("[%d:%d] %s: %w", p.Line, p.Column, strings.TrimPrefix(node.GetPath(), "$."), err)
}

// checkDurations reads the durations of a section whose type takes them from package time, whose errors do not say
// which key they are about.
func checkDurations(f *ast.File, section string, t reflect.Type) error {
	for i := range t.NumField() {
		field := t.Field(i)
		key := section + "." + field.Tag.Get("yaml")
		if field.Type.Kind() == reflect.Struct && field.Tag.Get("yaml") != "-" {
			if err := checkDurations(f, key, field.Type); err != nil {
				return err
			}
		}
		if field.Type != reflect.TypeFor[time.Duration]() {
			continue
		}
		p, err := yaml.PathString(key)
		if err != nil {
			return err
		}
		node, err := p.FilterFile(f)
		if err != nil { // The key is not there.
			continue
		}
		var d Duration
		if err := unmarshalNode(node, &d); err != nil {
			return err
		}
		if _, err := time.ParseDuration(node.GetToken().Value); err != nil {
			return at(node, fmt.Errorf("duration %q: write it like 500ms, 10s or 1m", node.GetToken().Value))
		}
	}
	return nil
}
