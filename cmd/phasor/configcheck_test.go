package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// findings of a file as LINE:COLUMN: LEVEL: MESSAGE.
func findingsOf(t *testing.T, text, role string) []string {
	t.Helper()
	var all []string
	for _, f := range checkConfigFile(file(t, text), role) {
		all = append(all, fmt.Sprintf("%d:%d: %s: %s", f.Line, f.Column, f.Level, f.Message))
	}
	return all
}

// expect compares findings with their beginnings, in any order.
func expect(t *testing.T, found []string, want ...string) {
	t.Helper()
	rest := append([]string(nil), found...)
	for _, w := range want {
		i := -1
		for j, f := range rest {
			if strings.HasPrefix(f, w) {
				i = j
			}
		}
		if i < 0 {
			t.Errorf("%q was not found", w)
			continue
		}
		rest = append(rest[:i], rest[i+1:]...)
	}
	for _, f := range rest {
		t.Errorf("%q was found", f)
	}
}

// Every error of a file is told, each with its place.
func TestConfigCheckTellsEveryError(t *testing.T) {
	expect(t, findingsOf(t, `store: s3://user:pa55w0rd@bucket
snapshot: {interval: 1ms, timeout: 10ms}
kafka:
  brokers: [kafka, kafka-2:9093]
  sesion: 10s
  heartbeat: soon
  watch: 1d
  password: pa55w0rd
embedded: {partitions: many}
serve: {poll: 1ms}
sketches:
  - name: a
    topics: [t]
    partitions: {u: [1]}
    format: jsn
    channels: [{name: x}, {name: x, path: y}, {name: z, transform: log2}]
    panes: {length: 1s, lateness: 60s}
    calibrate: {features: 33, law: foo, pilot: 1}
    fit: {horizon: 1h, all: true, threads: -1}
    on_truncated: maybe
    numeric_strings: 7
  - topics: [t]
    name: a
    channels: [{name: x}]
    csv: {delimiter: ","}
  - topics: t
    channels: []
`, "run"),
		"1:1: error: snapshot: store s3://user:xxxxx@bucket", "2:12: error: snapshot.interval is 1ms", "2:27: error: snapshot.timeout is 10ms",
		`4:3: error: kafka.brokers: "kafka" is not host:port`, `5:3: error: unknown field "sesion": is "session" meant?`, `6:14: error: duration "soon"`, `7:10: error: duration "1d"`,
		`8:3: error: unknown field "password": a password is not written here`, "9:24: error: a whole number is wanted", "10:9: error: serve.poll is 1ms",
		`14:5: error: partitions names the topic "u"`, `15:5: error: unknown format "jsn"`, `16:28: error: channels 0 and 1 are both named "x"`, `16:48: error: channel "z" has the transform "log2"`,
		"17:25: error: panes.lateness is 1m0s", "18:17: error: calibrate.features is 33", `18:31: error: calibrate.law is "foo"`, "18:41: error: calibrate.pilot is 1",
		"19:24: error: of fit.all, fit.horizon", "19:35: error: fit.threads is -1", `20:5: error: on_truncated is "maybe"`, "21:22: error: true or false is wanted",
		`23:5: error: two sketches are named "a"`, "25:5: error: a csv section with format json", "26:13: error: topics: a list is wanted")
	for _, text := range findingsOf(t, "kafka: {password: pa55w0rd}\nstore: s3://u:pa55w0rd@b\n", "run") {
		if strings.Contains(text, "pa55w0rd") {
			t.Errorf("%q shows a secret", text)
		}
	}
}

func TestConfigCheckOfWhatIsNoYAML(t *testing.T) {
	expect(t, findingsOf(t, "store: a\nsketches: [\n", "run"), "2:11: error: ")
	expect(t, findingsOf(t, "store: a\nstore: b\n", "run"), `2:1: error: mapping key "store" already defined`)
	expect(t, findingsOf(t, "- a\n", "run"), "1:1: error: a section of keys and values is wanted here")
	expect(t, findingsOf(t, "", "run"), "1:1: error: no sketch is configured")
	expect(t, findingsOf(t, "sketches:\n  - topics: [t]\n", "run"), "2:5: error: no channels")
	// What anchors stand for is read as the roles do.
	expect(t, findingsOf(t, "sketches:\n  - &a\n    topics: [t]\n    channels: [{name: x}]\n  - <<: *a\n    name: u\n    calibrate: {features: 7}\n", "run"), "7:17: error: calibrate.features is 7")
}

// What a role does not read it does not ask for.
func TestConfigCheckByRole(t *testing.T) {
	const named = "sketches: [{name: a}]\n"
	expect(t, findingsOf(t, named, "trainer"))
	expect(t, findingsOf(t, named, "serve"))
	expect(t, findingsOf(t, named, "run"), "1:13: error: no topics")
	const folded = "sketches: [{topics: [a], channels: [{name: x}]}]\n"
	expect(t, findingsOf(t, folded, "run"))
	expect(t, findingsOf(t, folded, "sketcher"), "1:1: error: no brokers")
	expect(t, findingsOf(t, "sketches: [{name: a}, {name: b}]\n", "serve"), "1:1: warning: the file has 2 sketches")
}

func TestConfigCheckWarns(t *testing.T) {
	expect(t, findingsOf(t, `store: /tmp/x
listen: 0.0.0.0:9464
snapshot: {interval: 100ms}
kafka:
  brokers: [k:1]
  session: 4s
  isolation: read_uncommitted
  tls: {ca: /not/there, insecure_skip_verify: true}
sketches:
  - topics: [t]
    partitions: {t: [0]}
    channels: [{name: x}, {name: y, path: x}]
    panes: {length: 500ms}
    calibrate: {features: 32, pilot: 100}
    fit: {every: 1s, horizon: 1s}
    drift: {reference: 10s, false_alarms: 1 per 1s}
`, "run"),
		"1:1: warning: store is below", "2:1: warning: listen is 0.0.0.0:9464", "3:12: warning: snapshot.interval is 100ms", "6:3: warning: kafka.session is 4s", "7:3: warning: kafka.isolation",
		"8:9: warning: kafka.tls.ca cannot be read here", "8:25: warning: kafka.tls.insecure_skip_verify", "11:5: warning: partitions are fixed", `12:28: warning: channels "x" and "y" have the same path "x"`,
		"13:13: warning: panes.length is 500ms", "14:17: warning: calibrate.features is 32", "14:31: warning: calibrate.pilot is 100", "15:11: warning: fit.every is 1s", "16:13: warning: drift.reference is 10s",
		"16:29: warning: drift.false_alarms is 1 per 1s")
	expect(t, findingsOf(t, "kafka: {brokers: [k:1], sasl: {mechanism: plain, user: u}}\nsketches: [{topics: [t], channels: [{name: x}], fit: {horizon: 60s}, panes: {length: 2h}, drift: {reference: 900d}}]\nsnapshot: {interval: 10m}\n", "run"),
		"1:32: warning: kafka.sasl.mechanism is plain without tls", "2:55: warning: fit.horizon is 1m0s", "2:78: warning: panes.length is 2h", "2:99: warning: drift.reference is 900d", "3:12: warning: snapshot.interval is 10m0s")
	fit := "kafka: {brokers: [k:1]}\nsketches: [{topics: [t], channels: [{name: x}], fit: {half_life: %s}, panes: {length: 60s}}]\n"
	expect(t, findingsOf(t, fmt.Sprintf(fit, "19s"), "run"), "2:55: warning: fit.half_life is 19s")
	expect(t, findingsOf(t, fmt.Sprintf(fit, "20s"), "run"))
	expect(t, findingsOf(t, fmt.Sprintf(fit, "999us"), "run"), "2:55: error: fit.half_life is 999µs")
}

// The files that are shipped have no errors, and warn of nothing but files that are not here.
func TestShippedConfigurationsPassTheCheck(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range append(files, "../../deploy/phasor.yaml") {
		if b := filepath.Base(name); b != "phasor.yaml" && filepath.Base(filepath.Dir(name)) != "examples" {
			continue
		}
		n++
		for _, f := range checkConfigFile(name, "run") {
			if f.Level == "error" || !strings.Contains(f.Message, "cannot be read here") && !strings.Contains(name, "examples") && !strings.Contains(f.Message, "listen") {
				t.Error(f)
			}
		}
	}
	if n < 7 {
		t.Errorf("%d files", n)
	}
}

func TestConfigCheckCommand(t *testing.T) {
	good, bad := file(t, "sketches: [{topics: [t], channels: [{name: x}]}]\n"), file(t, "stor: x\n")
	for _, test := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{good}, 0, good + ": ok\n"},
		{[]string{good, bad}, 2, bad + `:1:1: error: unknown field "stor": is "store" meant?`},
		{[]string{bad, "--json"}, 2, `"level":"error"`},
		{[]string{good, "--role", "sketcher"}, 2, "no brokers"},
		{[]string{file(t, "listen: :1\nsketches: [{topics: [t], channels: [{name: x}]}]\n")}, 0, "warning: listen is :1"},
		{[]string{file(t, "listen: :1\nsketches: [{topics: [t], channels: [{name: x}]}]\n"), "--strict"}, 2, "warning: listen is :1"},
		{[]string{filepath.Join(t.TempDir(), "none")}, 2, "no such file"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"config", "check"}, test.args...), strings.NewReader(""), &out, &out)
		if exitCode(err) != test.code || !strings.Contains(out.String(), test.text) {
			t.Errorf("%q: exit code %d, want %d: %s", test.args, exitCode(err), test.code, out.String())
		}
	}
}
