package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mac"
	"phasor/snapshot/safetensors"
	"phasor/trainer/generator"
)

type inspectCmd struct {
	Object string `arg:"" help:"A spec, sketch, state, pane or model." type:"existingfile"`
	Spec   string `help:"Feature map of a sketch, state or pane, to show physical units." type:"existingfile" placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print one JSON line, with the exact integers of a sketch's counts."`
}

// Help is shown by --help.
func (inspectCmd) Help() string {
	return `Examples:
  phasor inspect s.safetensors --spec spec.safetensors
  phasor inspect --json s.safetensors
  phasor inspect --integrity.key_file keys /var/lib/phasor/press/0001/spec

Without --spec means and ranges are in standard units.`
}

// summary is what inspect found, in the order in which it is shown.
type summary struct {
	keys     []string
	values   map[string]any
	channels []map[string]any
}

func (s *summary) add(key string, v any) {
	s.keys = append(s.keys, key)
	s.values[key] = v
}

// Run runs the command.
func (c *inspectCmd) Run(e *env) error {
	stored, err := readFile(c.Object)
	if err != nil {
		return err
	}
	b, id := mac.Strip(stored)
	if json.Valid(b) {
		return fmt.Errorf("%s: it is JSON, not an object in our format: it can be read as it is", c.Object)
	}
	f, err := safetensors.Decode(b)
	if err != nil {
		return fmt.Errorf("%s: it is none of our objects, or it is damaged: %w", c.Object, err)
	}
	s := &summary{values: map[string]any{}}
	s.add("format", f.Format())
	s.add("bytes", len(b))
	if keys := integrityOf(e.ctx).Keys; id != "" || keys != nil {
		path, err := filepath.Abs(c.Object)
		if err != nil {
			return err
		}
		s.add("signed", signatureOf(keys, filepath.ToSlash(path), stored))
	}
	var m *feature.Map
	if c.Spec != "" {
		if m, err = readSpec(c.Spec); err != nil {
			return err
		}
	}
	if err := s.describe(f, b, m); err != nil {
		return fmt.Errorf("%s: %w", c.Object, err)
	}
	if c.JSON {
		if s.channels != nil {
			s.values["channels"] = s.channels
		}
		return printJSON(e.stdout, s.values)
	}
	for _, k := range s.keys {
		fmt.Fprint(e.stdout, fields(k, s.values[k]))
	}
	return s.table(e.stdout)
}

// columns is the order in which people read the channels.
var columns = []string{"name", "kind", "transform", "offset", "scale", "mean", "min", "max", "sd_standard", "clamped"}

// table shows the channels, one a line.
func (s *summary) table(out io.Writer) error {
	if len(s.channels) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(cell func(column string) any) {
		for _, c := range columns {
			if _, ok := s.channels[0][c]; ok {
				fmt.Fprintf(w, "%v\t", cell(c))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	line(func(c string) any { return strings.ToUpper(strings.ReplaceAll(c, "_", " ")) })
	for _, ch := range s.channels {
		line(func(c string) any {
			if v, ok := ch[c].(float64); ok {
				return fmt.Sprintf("%.6g", v)
			}
			return ch[c]
		})
	}
	return w.Flush()
}

func (s *summary) describe(f *safetensors.File, b []byte, m *feature.Map) error {
	switch f.Format() {
	case "phasor.spec/1":
		spec, err := feature.DecodeSpec(b)
		if err != nil {
			return err
		}
		s.spec(spec)
	case "phasor.sketch/1":
		a, err := sketch.Decode(b)
		if err != nil {
			return err
		}
		return s.accumulator(a, m)
	case snapshot.FormatState:
		st, err := snapshot.DecodeState(b)
		if err != nil {
			return err
		}
		return s.state(st, m)
	case snapshot.FormatPane:
		p, err := snapshot.DecodePane(b)
		if err != nil {
			return err
		}
		s.add("partition", p.String())
		s.add("topic_id", p.TopicID)
		s.add("start", moment(p.Start))
		s.add("length_ms", p.Length)
		return s.accumulator(p.Accumulator, m)
	case "phasor.model/1":
		g, err := generator.DecodeModel(b)
		if err != nil {
			return err
		}
		s.model(g)
	default:
		if !strings.HasPrefix(f.Format(), "phasor.") {
			return fmt.Errorf("format %q is none of ours: a spec, sketch, state, pane or model is wanted", f.Format())
		}
		for _, k := range slices.Sorted(maps.Keys(f.Metadata)) {
			if k != "format" && k != "sha256" {
				s.add(k, f.Metadata[k])
			}
		}
		for _, t := range f.Tensors {
			if v, err := f.Int64s(t.Name, 1); err == nil {
				s.add(t.Name, v[0])
			}
		}
	}
	return nil
}

func (s *summary) spec(spec *feature.Spec) {
	s.add("map", spec.Fingerprint())
	s.add("features", spec.Features)
	s.add("dimension", spec.Dim())
	s.add("law", spec.Law)
	s.add("parameters", spec.Params)
	s.add("seed", spec.Seed)
	s.add("pilot_records", spec.Pilot)
	for k, ch := range spec.Channels {
		s.channels = append(s.channels, map[string]any{"name": ch.Name, "kind": ch.Kind.String(), "transform": ch.Transform.String(),
			"offset": spec.Offset[k], "scale": spec.Scale[k]})
	}
}

func (s *summary) accumulator(a *sketch.Accumulator, m *feature.Map) error {
	s.add("map", a.Fingerprint())
	s.add("features", a.Features())
	s.add("records", a.Count())
	unit := "standard"
	if m != nil {
		if err := bind(a, m); err != nil {
			return err
		}
		unit = "physical"
	}
	s.add("units", unit)
	if a.Count() == 0 {
		return nil
	}
	d := a.Dim()
	mean := a.Mean(nil)
	low, high, physical := make([]float64, d), make([]float64, d), make([]float64, d)
	for k := range d {
		low[k], high[k] = a.Range(k)
	}
	covariance := a.Covariance(nil)
	for k, name := range a.Channels() {
		s.channels = append(s.channels, map[string]any{"name": name, "clamped": a.Clamped(k), "sd_standard": math.Sqrt(max(0, covariance[k*d+k])),
			"mean": mean[k], "min": low[k], "max": high[k], "histogram": a.Histogram(k)})
	}
	if m == nil {
		return nil
	}
	for key, y := range map[string][]float64{"mean": mean, "min": low, "max": high} {
		m.Physical(physical, y)
		for k := range d {
			s.channels[k][key] = physical[k]
		}
	}
	return nil
}

func (s *summary) state(st *snapshot.State, m *feature.Map) error {
	s.add("partition", st.String())
	s.add("topic_id", st.TopicID)
	s.add("start", st.Start)
	s.add("next", st.Next)
	if st.Watermark != snapshot.NoTime {
		s.add("watermark", moment(st.Watermark))
	}
	s.add("open_panes", len(st.Open))
	rejected := map[string]int64{}
	maps.Copy(rejected, st.Rejects)
	s.add("rejected", rejected)
	s.add("late", st.Late)
	s.add("early", st.Early)
	s.add("missing", st.Missing)
	s.add("gaps", append([]snapshot.Gap{}, st.Gaps...))
	s.add("delivered", st.Side.Count)
	s.add("offset_sum", fmt.Sprintf("%d*2^64+%d", st.Side.OffsetSum.Hi, st.Side.OffsetSum.Lo))
	s.add("records_xor", fmt.Sprintf("%016x", st.Side.HashXor))
	s.add("last_offset", st.LastOffset)
	s.add("fold", st.FoldFingerprint())
	return s.accumulator(st.Total(), m)
}

func (s *summary) model(g *generator.Model) {
	ev := g.Evaluation()
	s.add("map", g.Fingerprint())
	s.add("records", g.Records())
	s.add("latent", g.Latent())
	s.add("seed", g.Seed())
	s.add("steps", g.Steps())
	s.add("loss", number(ev.Unbiased))
	s.add("loss_heldout", number(ev.HeldOut))
	s.add("loss_floor", number(ev.Floor))
	s.add("equivalent_records", number(ev.EquivalentRecords))
	for _, ch := range g.Channels() {
		s.channels = append(s.channels, map[string]any{"name": ch.Name, "kind": ch.Kind.String(), "transform": ch.Transform.String()})
	}
}

// moment writes Unix milliseconds as the command line reads them.
func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
