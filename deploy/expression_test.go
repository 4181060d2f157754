package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The parts of an expression that name something. promtool says whether it is an expression at all.
var (
	words     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	selectors = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)`)
	grouping  = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	ranges    = regexp.MustCompile(`\[([^\]]*)\]`)
	call      = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*\(\s*([a-zA-Z_:][a-zA-Z0-9_:]*)[^()]*\[`)
	callee    = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*\(`)
	number    = regexp.MustCompile(`\b\d[\d.]*(e[+-]?\d+)?\b`)
	offset    = regexp.MustCompile(`\boffset\s+\S+`)
	keywords  = []string{"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "NaN", "Inf"}
	ofCounter = []string{"rate", "increase", "irate", "resets"}
)

// problems are the names in an expression that no series or label has, and functions of the wrong kind of series.
func problems(expr string, have recorder) (found []string) {
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	text := quoted.ReplaceAllString(expr, `""`)
	var labels []string // Of all metrics in the expression.
	bare := offset.ReplaceAllString(ranges.ReplaceAllString(text, ""), "")
	bare = grouping.ReplaceAllString(selectors.ReplaceAllString(bare, "$1 "), "")
	bare = number.ReplaceAllString(bare, "")
	functions := map[string]bool{}
	for _, m := range callee.FindAllStringSubmatch(bare, -1) {
		functions[m[1]] = true
	}
	metrics := 0
	for _, name := range words.FindAllString(bare, -1) {
		if functions[name] || slices.Contains(keywords, name) {
			continue
		}
		f, ok := have[name]
		if !ok {
			// An aggregation whose by(…) stood before its parenthesis has lost it above.
			if slices.Contains([]string{"sum", "max", "min", "avg", "count", "topk", "quantile"}, name) {
				continue
			}
			complain("there is no series %s", name)
			continue
		}
		metrics++
		labels = append(labels, f.labels...)
	}
	if metrics == 0 {
		complain("no metric is named")
	}
	for _, m := range selectors.FindAllStringSubmatch(text, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if f := have[m[1]]; !slices.Contains(f.labels, l[1]) {
				complain("%s has no label %s", m[1], l[1])
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(text, -1) {
		for _, l := range words.FindAllString(m[2], -1) {
			if !slices.Contains(labels, l) {
				complain("%s (%s): no metric of the expression has the label %s", m[1], m[2], l)
			}
		}
	}
	counted := map[string]int{}
	for _, m := range call.FindAllStringSubmatch(selectors.ReplaceAllString(text, "$1 "), -1) {
		isCounter := have[m[2]].kind == "counter"
		if slices.Contains([]string{"rate", "increase", "irate"}, m[1]) && !isCounter {
			complain("%s of %s, which is no counter", m[1], m[2])
		}
		if isCounter && !slices.Contains(ofCounter, m[1]) {
			complain("%s of the counter %s", m[1], m[2])
		}
		counted[m[2]]++
	}
	for _, name := range words.FindAllString(bare, -1) {
		if have[name].kind == "counter" {
			counted[name]--
		}
		if counted[name] < 0 {
			complain("the counter %s is used without a rate", name)
		}
	}
	return found
}

func TestProblemsAreFound(t *testing.T) {
	have := withRules(t, known())
	for _, good := range []string{
		`sum by (topic) (rate(phasor_sketcher_records_folded_total{topic=~"$topic"}[5m]))`,
		`sum(rate(phasor_sketcher_records_folded_total{sketch="a b[c] {d}"}[5m])) by (topic) > 1e3`,
		`histogram_quantile(0.99, sum by (le, topic) (rate(phasor_sketcher_fold_lateness_seconds_bucket[1m])))`,
		`phasor_drift_statistic / on (sketch, detector) phasor_drift_threshold`,
		`phasor_trainer_model_version offset 6h == 0`,
		`topic:phasor_sketcher_partition_lag_records:sum{topic="x"}`,
		`time() - max by (sketch) (phasor_trainer_model_published_timestamp_seconds)`,
	} {
		if p := problems(good, have); len(p) > 0 {
			t.Errorf("%s: %v", good, p)
		}
	}
	for bad, want := range map[string]string{
		`rate(phasor_sketcher_records_fold_total[5m])`:                  "no series phasor_sketcher_records_fold_total",
		`rate(phasor_sketcher_records_folded_total{partition="1"}[5m])`: "no label partition",
		`sum by (key) (rate(phasor_sketcher_records_folded_total[5m]))`: "has the label key",
		`phasor_drift_statistic / on (topic) phasor_drift_threshold`:    "has the label topic",
		`rate(phasor_sketcher_partition_lag_records[5m])`:               "which is no counter",
		`sum(phasor_sketcher_records_folded_total)`:                     "without a rate",
		`max_over_time(phasor_sketcher_records_folded_total[5m])`:       "of the counter",
		`sum by (le) (rate(phasor_drift_alarms_total[5m]))`:             "has the label le",
		`vector(1)`: "no metric",
		`sum by (topic) (topic:phasor_sketcher_partition_lag_records:sum{instance="a"})`: "no label instance",
	} {
		if p := strings.Join(problems(bad, have), "; "); !strings.Contains(p, want) {
			t.Errorf("%s: found %q, wanted %q", bad, p, want)
		}
	}
}

func TestRulesNameWhatExists(t *testing.T) {
	raw := known()
	for _, r := range rules(t, "prometheus/recording.yml") {
		for _, p := range problems(r.Expr, raw) {
			t.Errorf("%s: %s", r.Record, p)
		}
		for _, l := range recordedLabels(r.Record) {
			if !regexp.MustCompile(`by \([^)]*\b` + l + `\b`).MatchString(r.Expr) {
				t.Errorf("%s does not keep the label %s of its name", r.Record, l)
			}
		}
	}
	all := withRules(t, known())
	for _, r := range rules(t, "prometheus/alerts.yml") {
		for _, p := range problems(r.Expr, all) {
			t.Errorf("%s: %s", r.Alert, p)
		}
		for _, m := range regexp.MustCompile(`\$labels\.([a-z]+)`).FindAllStringSubmatch(r.Annotations["description"], -1) {
			if !strings.Contains(r.Expr, m[1]) && !slices.Contains([]string{"topic", "sketch", "partition", "instance"}, m[1]) {
				t.Errorf("%s describes by the label %s, which it may not have", r.Alert, m[1])
			}
		}
	}
}
