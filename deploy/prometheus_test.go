package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decodeYAML[T any](t *testing.T, path string) T {
	t.Helper()
	var v T
	if err := yaml.Unmarshal([]byte(read(t, path)), &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func rules(t *testing.T, path string) []rule {
	t.Helper()
	file := decodeYAML[struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}](t, path)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no rules", path)
	}
	return all
}

// promtool returns a function that runs it, or skips the test.
func promtool(t *testing.T) func(dir string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: ", err)
	}
	return func(dir string, args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), path, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		return string(out), err
	}
}

// testFile is the name of the unit tests of an alert: PhasorOffsetGap has offset_gap.yml.
func testFile(alert string) string {
	var b strings.Builder
	for i, r := range strings.TrimPrefix(alert, "Phasor") {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String() + ".yml"
}

func ruleTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("prometheus/tests/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no unit tests of the rules: ", err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func TestRules(t *testing.T) {
	run := promtool(t)
	if out, err := run("prometheus", "check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run("prometheus/tests", append([]string{"test", "rules"}, ruleTests(t)...)...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestRuleTestsNoticeABadRule holds that the unit tests of every alert fail if it never fires, and if it always does.
func TestRuleTestsNoticeABadRule(t *testing.T) {
	run := promtool(t)
	for name, expr := range map[string]string{"never": "vector(0) > 1", "always": "vector(1)"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("prometheus")); err != nil {
			t.Fatal(err)
		}
		text := "groups:\n- name: changed\n  rules:\n"
		for _, r := range rules(t, "prometheus/alerts.yml") {
			text += "  - {alert: " + r.Alert + ", expr: " + expr + "}\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "alerts.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run(filepath.Join(dir, "tests"), append([]string{"test", "rules"}, ruleTests(t)...)...)
		if err == nil {
			t.Fatalf("rules that %s fire pass:\n%s", name, out)
		}
		for _, r := range rules(t, "prometheus/alerts.yml") {
			if !strings.Contains(out, "alertname: "+r.Alert+",") {
				t.Errorf("the tests of %s pass if it %s fires", r.Alert, name)
			}
		}
	}
}

// TestEveryAlertIsTested holds that each has a test that fires and resolves, and one that never fires.
func TestEveryAlertIsTested(t *testing.T) {
	files := ruleTests(t)
	for _, r := range rules(t, "prometheus/alerts.yml") {
		name := testFile(r.Alert)
		if !slices.Contains(files, name) {
			t.Errorf("%s has no tests: write prometheus/tests/%s", r.Alert, name)
			continue
		}
		files = slices.DeleteFunc(files, func(f string) bool { return f == name })
		file := decodeYAML[struct {
			Tests []struct {
				Rules []struct {
					Alert string `yaml:"alertname"`
					Want  []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}](t, "prometheus/tests/"+name)
		resolves, quiet := false, false
		for _, test := range file.Tests {
			fired := false
			for _, at := range test.Rules {
				if at.Alert != r.Alert {
					t.Errorf("%s tests %s", name, at.Alert)
				}
				resolves = resolves || fired && len(at.Want) == 0
				fired = fired || len(at.Want) > 0
			}
			quiet = quiet || !fired
		}
		if !resolves || !quiet {
			t.Errorf("%s: fires and resolves is tested: %v; does not fire is tested: %v", name, resolves, quiet)
		}
	}
	if len(files) > 0 {
		t.Errorf("tests of no alert: %v", files)
	}
}

func TestEveryAlertHasItsWords(t *testing.T) {
	runbook := read(t, "prometheus/RUNBOOK.md")
	sections := strings.Split(runbook, "\n## ")[1:]
	var titles []string
	for _, s := range sections {
		title, body, _ := strings.Cut(s, "\n")
		titles = append(titles, title)
		for _, part := range []string{"**Meaning.**", "**First looks.**", "**Fixes.**"} {
			if !strings.Contains(body, part) {
				t.Errorf("the section %s has no %s", title, part)
			}
		}
	}
	var names []string
	for _, r := range rules(t, "prometheus/alerts.yml") {
		names = append(names, r.Alert)
		if want := "deploy/prometheus/RUNBOOK.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, wanted %q", r.Alert, r.Annotations["runbook_url"], want)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", r.Alert)
		}
		if !slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
	}
	if !slices.Equal(names, titles) {
		t.Errorf("alerts and sections of the runbook differ:\n%v\n%v", names, titles)
	}
}
