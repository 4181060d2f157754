package deploy_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the dashboards from their panels")

type object = map[string]any

type dashboard struct {
	file, title string
	panels      []panel
	variables   [][2]string // Name and query.
}

var dashboards = []dashboard{
	{"operations.json", "Phasor / operations", operations, [][2]string{
		{"job", `label_values({__name__=~"phasor_(sketcher|trainer|serve)_build_info"}, job)`}, {"topic", `label_values(phasor_sketcher_records_folded_total{job=~"$job"}, topic)`}}},
	{"drift-and-model.json", "Phasor / drift and model", driftAndModel, [][2]string{{"sketch", `label_values(phasor_trainer_model_version, sketch)`}}},
}

var source = object{"type": "prometheus", "uid": "${datasource}"}

// json renders the dashboard for Grafana.
func (d dashboard) json(t *testing.T) []byte {
	list := []object{{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0, "refresh": 1, "current": object{}}}
	for _, v := range d.variables {
		list = append(list, object{"name": v[0], "label": strings.ToUpper(v[0][:1]) + v[0][1:], "type": "query", "datasource": source, "definition": v[1],
			"query": object{"query": v[1], "refId": "variable"}, "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"}})
	}
	var panels []object
	x, y, tall := 0, 0, 0
	for i, p := range d.panels {
		if x+p.width > 24 || p.kind == "row" {
			x, y, tall = 0, y+tall, 0
		}
		panels = append(panels, p.json(i+1, object{"x": x, "y": y, "w": p.width, "h": p.height}))
		x, tall = x+p.width, max(tall, p.height)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(object{
		"title": d.title, "schemaVersion": 39, "editable": false, "graphTooltip": 1, "refresh": "30s", "tags": []string{"phasor"},
		"time": object{"from": "now-3h", "to": "now"}, "timezone": "utc", "templating": object{"list": list}, "panels": panels,
		"links": []object{{"type": "dashboards", "tags": []string{"phasor"}, "title": "Phasor", "asDropdown": false, "includeVars": false, "keepTime": true}},
		"annotations": object{"list": []object{{"name": "Drift alarms", "datasource": source, "enable": true, "iconColor": "orange",
			"expr": "phasor_drift_alarm == 1", "titleFormat": "Drift alarm", "textFormat": "{{sketch}} {{detector}}"}}},
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (p panel) json(id int, grid object) object {
	if p.kind == "row" {
		return object{"id": id, "type": "row", "title": p.title, "gridPos": grid, "collapsed": false, "panels": []any{}}
	}
	steps := []object{{"color": "green", "value": nil}}
	if p.warn > 0 {
		steps = append(steps, object{"color": "orange", "value": p.warn})
	}
	defaults := object{"unit": p.unit, "thresholds": object{"mode": "absolute", "steps": steps}}
	options := object{}
	switch p.kind {
	case "stat":
		options = object{"colorMode": "value", "graphMode": "area", "reduceOptions": object{"calcs": []string{"lastNotNull"}}}
	case "timeseries":
		defaults["custom"] = object{"fillOpacity": 10, "showPoints": "never", "spanNulls": false}
		options = object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	case "heatmap":
		options = object{"calculate": false, "yAxis": object{"unit": p.unit}, "color": object{"mode": "scheme", "scheme": "Viridis"}, "cellGap": 1}
	}
	var targets []object
	for i, q := range p.queries {
		target := object{"refId": string(rune('A' + i)), "datasource": source, "expr": q.expr, "legendFormat": q.legend, "range": true}
		if p.kind == "heatmap" {
			target["format"] = "heatmap"
		}
		targets = append(targets, target)
	}
	return object{"id": id, "type": p.kind, "title": p.title, "description": p.help, "gridPos": grid, "datasource": source,
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": options, "targets": targets}
}

func TestDashboardsAreThoseOfThePanels(t *testing.T) {
	for _, d := range dashboards {
		path := filepath.Join("grafana", "dashboards", d.file)
		want := d.json(t)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if read(t, path) != string(want) {
			t.Errorf("%s is not what the panels give: run go test ./deploy -run Dashboards -update", path)
		}
	}
}

// variablesOut puts a value in the place of each of Grafana's variables.
func variablesOut(expr, interval string) string {
	return strings.NewReplacer("$__rate_interval", interval, "$job", ".*", "$topic", ".*", "$sketch", ".*").Replace(expr)
}

// panelProblems are what would mislead, or show nothing.
func panelProblems(d dashboard, p panel, have recorder) (found []string) {
	if p.kind == "row" {
		return nil
	}
	units := []string{"short", "none", "percentunit", "s", "bytes", "Bps", "cps", "ops", "reqps"}
	if !slices.Contains(units, p.unit) || p.help == "" || p.title == "" || len(p.queries) == 0 {
		found = append(found, fmt.Sprintf("unit %q, help %q, %d queries", p.unit, p.help, len(p.queries)))
	}
	for _, q := range p.queries {
		for _, r := range ranges.FindAllStringSubmatch(quoted.ReplaceAllString(q.expr, ""), -1) {
			if r[1] != "$__rate_interval" {
				found = append(found, fmt.Sprintf("the range is %s, not $__rate_interval", r[1]))
			}
		}
		for _, v := range regexp.MustCompile(`\$([a-z]+)`).FindAllStringSubmatch(q.expr, -1) {
			if !slices.ContainsFunc(d.variables, func(x [2]string) bool { return x[0] == v[1] }) {
				found = append(found, fmt.Sprintf("there is no variable %s", v[1]))
			}
		}
		for _, l := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.legend, -1) {
			if by := grouping.FindStringSubmatch(q.expr); by != nil && !slices.Contains(words.FindAllString(by[2], -1), l[1]) {
				found = append(found, fmt.Sprintf("the legend shows %s, which the query drops", l[1]))
			}
		}
		if strings.HasPrefix(q.expr, "sum(") != (q.legend == "" || !strings.Contains(q.legend, "{{")) && p.kind == "timeseries" {
			found = append(found, "legend "+q.legend+" does not tell the series apart")
		}
		found = append(found, problems(variablesOut(q.expr, "5m"), have)...)
	}
	return found
}

func TestPanels(t *testing.T) {
	have := known()
	for _, d := range dashboards {
		for _, p := range d.panels {
			for _, x := range panelProblems(d, p, have) {
				t.Errorf("%s: %s: %s", d.title, p.title, x)
			}
		}
	}
	good := query{`sum by (topic) (rate(phasor_sketcher_records_folded_total{topic=~"$topic"}[$__rate_interval]))`, "{{topic}}"}
	for name, p := range map[string]panel{
		"no unit":       series("x", "", "x", good),
		"no such unit":  series("x", "parsecs", "x", good),
		"no help":       series("x", "s", "", good),
		"no query":      series("x", "s", "x"),
		"fixed range":   series("x", "s", "x", query{strings.ReplaceAll(good.expr, "$__rate_interval", "5m"), good.legend}),
		"no variable":   series("x", "s", "x", query{strings.ReplaceAll(good.expr, "$topic", "$partition"), good.legend}),
		"legend":        series("x", "s", "x", query{good.expr, "{{sketch}}"}),
		"no legend":     series("x", "s", "x", query{good.expr, ""}),
		"no such label": series("x", "s", "x", query{strings.ReplaceAll(good.expr, "topic=~", "key=~"), good.legend}),
	} {
		if len(panelProblems(dashboards[0], p, have)) == 0 {
			t.Errorf("a panel with %s passes", name)
		}
	}
	if x := panelProblems(dashboards[0], series("x", "s", "x", good), have); len(x) > 0 {
		t.Error(x)
	}
}

// TestExpressionsParse gives every query to Prometheus' own parser, as a rule.
func TestExpressionsParse(t *testing.T) {
	run := promtool(t)
	text := "groups:\n- name: panels\n  rules:\n"
	n := 0
	for _, d := range dashboards {
		for _, p := range d.panels {
			for _, q := range p.queries {
				n++
				text += fmt.Sprintf("  - {record: 'panel:%d', expr: '%s'} # %s\n", n, strings.ReplaceAll(variablesOut(q.expr, "5m"), "'", "''"), p.title)
			}
		}
	}
	check := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "panels.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(".", "check", "rules", path)
	}
	if out, err := check(text); err != nil || !strings.Contains(out, fmt.Sprintf("%d rules found", n)) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := check(text + "  - {record: 'panel:bad', expr: 'sum by (topic (up)'}\n"); err == nil {
		t.Errorf("an expression that is none passes:\n%s", out)
	}
}
