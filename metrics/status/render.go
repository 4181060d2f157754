package status

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"time"
)

//go:embed page.html parts.html
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"figure": figure, "short": short, "grouped": grouped, "span": span, "ago": ago, "moment": moment, "ofms": ofMS, "bytes": bytesOf, "percent": percent,
	"plural": plural, "flow": flowChart, "lag": lagChart, "drift": driftChart, "loss": lossChart, "worth": recordsChart, "spark": sparkline,
	"histogram": histogramOf, "dots": scatter, "ellipse": ellipse, "bar": func(v, most Number) string { return figure(100 * v / max(most, 1e-9)) },
	"int64": func(n int) int64 { return int64(n) }, "number": func(n int64) Number { return Number(n) }, "ratio": func(a, b Number) Number { return a / b }, "fig": func(v float64) Number { return Number(v) },
}).ParseFS(files, "page.html", "parts.html"))

// part is a section of the page; only those that changed are sent to readers who have the others.
type part struct{ id, html string }

// view is a rendered page.
type view struct {
	title string
	parts []part
}

// scope is what a section's template sees.
type scope struct {
	Page
	ID string
	S  Sketch
	N  int // Of sketches.
}

// render renders the sections of a page.
func render(p Page) view {
	v := view{title: p.Title}
	for _, n := range p.Notices {
		if n.Level == LevelAlarm {
			v.title = "▲ drift: " + p.Title
		}
	}
	add := func(id, name string, s scope) {
		var b bytes.Buffer
		s.Page, s.ID, s.N = p, id, len(p.Sketches)
		must(templates.ExecuteTemplate(&b, name, s))
		v.parts = append(v.parts, part{id, b.String()})
	}
	add("top", "top", scope{})
	for i, s := range p.Sketches {
		for _, section := range []struct {
			name  string
			shown bool
		}{{"now", true}, {"drift", s.Drift != nil}, {"model", s.Model != nil && (s.Drift != nil || len(s.Model.Versions) > 0)}, {"stream", s.Stream != nil}, {"partitions", s.Stream != nil},
			{"shapes", s.Shapes != nil && s.Shapes.Records > 0}, {"pairs", s.Shapes != nil && len(s.Shapes.Pairs) > 0}} {
			if section.shown {
				add(fmt.Sprintf("s%d-%s", i, section.name), section.name, scope{S: s})
			}
		}
	}
	return v
}

// document renders the whole page.
func document(p Page) []byte {
	v := render(p)
	var parts []template.HTML
	for _, q := range v.parts {
		parts = append(parts, template.HTML(q.html)) // #nosec G203 -- by the templates, which escape
	}
	var b bytes.Buffer
	must(templates.ExecuteTemplate(&b, "page.html", struct {
		Title, Name string
		Parts       []template.HTML
		API         bool
	}{v.title, p.Title, parts, p.API}))
	return b.Bytes()
}

// must panics on a mistake in the templates: none of their functions fails, and writing to memory does not.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// histogram is a channel as it is drawn.
type histogram struct {
	Area, Line string
	Label      string
	Width      int
}

func histogramOf(m Marginal) histogram {
	top := max(largest(m.Observed, m.Generated), 1e-9)
	h := histogram{Area: outline(m.Observed, top, 56, true), Width: 10 * len(m.Observed),
		Label: fmt.Sprintf("%s between %s and %s", m.Channel, figure(m.Low), figure(m.High))}
	if len(m.Generated) > 0 {
		h.Line = outline(m.Generated, top, 56, false)
		h.Label += ": observed and generated have " + percent(m.Overlap) + " in common"
	}
	return h
}

// Alarmed is the drift of a sketch whose alarm is latched, nil if none is.
func (s scope) Alarmed(sketch string) *Drift {
	for _, k := range s.Sketches {
		if k.Name == sketch && k.Drift != nil && k.Drift.Latched != nil {
			return k.Drift
		}
	}
	return nil
}

// Age is how long the process runs.
func (s scope) Age() string { return span(s.Time.Sub(s.Started)) }

// State is the sketch in a word: alarm, error, learning or quiet.
func (s scope) State() string {
	state := "quiet"
	if d := s.S.Drift; d != nil && !d.Threshold.Defined() {
		state = "learning"
	}
	for _, n := range s.Page.Notices {
		if n.Sketch == s.S.Name && state != LevelAlarm {
			state = n.Level
		}
	}
	return state
}

// Verdict is the sketch in a sentence.
func (s scope) Verdict() string {
	switch s.State() {
	case LevelAlarm:
		return "drift"
	case LevelError:
		return "trouble"
	case "learning":
		if s.S.Drift.Raised > 0 {
			return "learning the new normal"
		}
		return "learning what is normal"
	}
	if s.S.Drift != nil {
		return "no drift"
	}
	if s.S.Stream != nil {
		return "reading"
	}
	return "serving"
}

// Saved is when the newest state became durable.
func (s scope) Saved() string {
	if s.S.Stream == nil || s.S.Stream.Saved.IsZero() {
		return "not yet"
	}
	return ago(s.Time, s.S.Stream.Saved)
}

// AlarmSpan is how long an alarm was latched.
func (s scope) AlarmSpan(a Alarm) string {
	if a.Ended.IsZero() {
		return ""
	}
	return span(a.Ended.Sub(time.UnixMilli(a.Pane)))
}
