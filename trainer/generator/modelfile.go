package generator

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"phasor/sketcher/feature"
	"phasor/snapshot/safetensors"
)

// Format is the format of a model's file, specified in the package documentation.
const Format = "phasor.model/1"

// ErrModel is wrapped by every error about a file that is no model.
var ErrModel = errors.New("invalid model")

// card is the prefix of the metadata that belong to the model's card.
const card = "card."

// Encode returns the model's file. Equal models have equal bytes.
func (m *Model) Encode() ([]byte, error) {
	s := m.shape
	transforms, kinds := make([]string, s.dim), make([]string, s.dim)
	for k, c := range m.channels {
		transforms[k], kinds[k] = c.Transform.String(), c.Kind.String()
	}
	f := safetensors.File{Metadata: map[string]string{
		"format":     Format,
		"map":        m.fingerprint,
		"channels":   text(m.Names()),
		"transforms": text(transforms),
		"kinds":      text(kinds),
		"seed":       strconv.FormatUint(m.seed, 10),
		"steps":      strconv.Itoa(m.steps),
		"records":    strconv.FormatInt(m.records, 10),
	}}
	for name, v := range m.evaluation.fields() {
		f.Metadata[name] = strconv.FormatFloat(*v, 'g', -1, 64)
	}
	f.Metadata["at_least"] = strconv.FormatBool(m.evaluation.AtLeast)
	for k, v := range m.Metadata {
		f.Metadata[card+k] = v
	}
	off := make([]uint8, s.dim)
	for k, v := range m.out.off {
		if v {
			off[k] = 1
		}
	}
	in := s.latent
	for l := range layers {
		f.Add(
			safetensors.Float32s(fmt.Sprintf("hidden.%d.weight", l+1), m.weights.hidden[l], in, s.units),
			safetensors.Float32s(fmt.Sprintf("hidden.%d.bias", l+1), m.weights.bias[l], s.units),
		)
		in = s.units
	}
	f.Add(
		safetensors.Float32s("out.weight", m.weights.out, s.units, s.dim),
		safetensors.Float32s("out.bias", m.weights.mean, s.dim),
		safetensors.Float32s("linear.weight", m.weights.linear, s.latent, s.dim),
		safetensors.Float64s("map.x", m.out.x, s.dim, bins+1),
		safetensors.Float64s("map.lo", m.out.lo, s.dim, bins),
		safetensors.Float64s("map.hi", m.out.hi, s.dim, bins),
		safetensors.Float64s("map.value", m.out.value, s.dim, bins),
		safetensors.Uint8s("map.off", off, s.dim),
		safetensors.Float64s("offset", m.offset, s.dim),
		safetensors.Float64s("scale", m.scale, s.dim),
	)
	return f.Encode()
}

// DecodeModel reads a model's file. Errors wrap [ErrModel] or
// [safetensors.ErrCorrupt].
func DecodeModel(b []byte) (*Model, error) {
	f, err := safetensors.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("generator: model: %w", err)
	}
	m, err := readModel(f)
	if err != nil {
		return nil, fmt.Errorf("generator: %w: %w", ErrModel, err)
	}
	return m, nil
}

func readModel(f *safetensors.File) (*Model, error) {
	if f.Format() != Format {
		return nil, fmt.Errorf("the file's format is %q: give one of format %s", f.Format(), Format)
	}
	m := &Model{fingerprint: f.Metadata["map"]}
	if err := m.readMetadata(f.Metadata); err != nil {
		return nil, err
	}
	first, ok := f.Tensor("hidden.1.weight")
	if !ok || len(first.Shape) != 2 || first.Shape[0] < 1 || first.Shape[1] < 1 {
		return nil, errors.New("tensor hidden.1.weight is absent or not a matrix")
	}
	m.shape = shape{latent: first.Shape[0], units: first.Shape[1], dim: len(m.channels)}
	if err := m.readTensors(f); err != nil {
		return nil, err
	}
	return m, m.check()
}

func (m *Model) readMetadata(meta map[string]string) error {
	var names, transforms, kinds []string
	for key, to := range map[string]*[]string{"channels": &names, "transforms": &transforms, "kinds": &kinds} {
		if err := json.Unmarshal([]byte(meta[key]), to); err != nil {
			return fmt.Errorf("metadata %s = %q: %w", key, meta[key], err)
		}
	}
	if len(names) == 0 || len(transforms) != len(names) || len(kinds) != len(names) {
		return fmt.Errorf("%d channels, %d transforms, %d kinds", len(names), len(transforms), len(kinds))
	}
	for k, name := range names {
		transform, err := feature.ParseTransform(transforms[k])
		if err != nil {
			return err
		}
		kind, err := feature.ParseKind(kinds[k])
		if err != nil {
			return err
		}
		m.channels = append(m.channels, feature.Channel{Name: name, Transform: transform, Kind: kind})
	}
	var errs [4]error
	m.seed, errs[0] = strconv.ParseUint(meta["seed"], 10, 64)
	m.steps, errs[1] = strconv.Atoi(meta["steps"])
	m.records, errs[2] = strconv.ParseInt(meta["records"], 10, 64)
	m.evaluation.AtLeast, errs[3] = strconv.ParseBool(meta["at_least"])
	for name, v := range m.evaluation.fields() {
		x, err := strconv.ParseFloat(meta[name], 64)
		if err != nil {
			return fmt.Errorf("metadata %s = %q: %w", name, meta[name], err)
		}
		*v = x
	}
	for key, v := range meta {
		if name, ok := strings.CutPrefix(key, card); ok {
			if m.Metadata == nil {
				m.Metadata = map[string]string{}
			}
			m.Metadata[name] = v
		}
	}
	return errors.Join(errs[:]...)
}

func (m *Model) readTensors(f *safetensors.File) error {
	s := m.shape
	type part struct {
		name  string
		shape []int
	}
	var parts []part
	in := s.latent
	for l := range layers {
		parts = append(parts, part{fmt.Sprintf("hidden.%d.weight", l+1), []int{in, s.units}}, part{fmt.Sprintf("hidden.%d.bias", l+1), []int{s.units}})
		in = s.units
	}
	parts = append(parts, part{"out.weight", []int{s.units, s.dim}}, part{"out.bias", []int{s.dim}}, part{"linear.weight", []int{s.latent, s.dim}})
	for _, p := range parts {
		v, err := f.Float32s(p.name, p.shape...)
		if err != nil {
			return err
		}
		m.flat = append(m.flat, v...)
	}
	m.weights = s.view(m.flat)
	m.out.dim = s.dim
	for _, p := range []struct {
		name  string
		to    *[]float64
		shape []int
	}{
		{"map.x", &m.out.x, []int{s.dim, bins + 1}}, {"map.lo", &m.out.lo, []int{s.dim, bins}},
		{"map.hi", &m.out.hi, []int{s.dim, bins}}, {"map.value", &m.out.value, []int{s.dim, bins}},
		{"offset", &m.offset, []int{s.dim}}, {"scale", &m.scale, []int{s.dim}},
	} {
		v, err := f.Float64s(p.name, p.shape...)
		if err != nil {
			return err
		}
		*p.to = v
	}
	off, err := f.Uint8s("map.off", s.dim)
	if err != nil {
		return err
	}
	for _, v := range off {
		m.out.off = append(m.out.off, v != 0)
	}
	return nil
}

// check refuses numbers that would make samples NaN or a map that falls.
func (m *Model) check() error {
	for i, v := range m.flat {
		if v-v != 0 {
			return fmt.Errorf("weight %d is %v", i, v)
		}
	}
	for k := range m.shape.dim {
		if !(m.scale[k] > 0) || math.IsInf(m.scale[k], 0) || m.offset[k]-m.offset[k] != 0 {
			return fmt.Errorf("channel %q has offset %v and scale %v", m.channels[k].Name, m.offset[k], m.scale[k])
		}
		x := m.out.x[k*(bins+1) : (k+1)*(bins+1)]
		for b := range bins {
			lo, hi := m.out.lo[k*bins+b], m.out.hi[k*bins+b]
			if !(x[b] <= x[b+1]) || !(lo <= hi) || max(-x[b], x[b+1], -lo, hi) > math.MaxFloat32 || math.IsInf(m.out.value[k*bins+b], 0) {
				return fmt.Errorf("bin %d of the map of channel %q goes from %v, %v to %v, %v with value %v", b, m.channels[k].Name, x[b], lo, x[b+1], hi, m.out.value[k*bins+b])
			}
		}
	}
	return nil
}

// fields names the figures of an evaluation as the metadata do.
func (e *Evaluation) fields() map[string]*float64 {
	return map[string]*float64{
		"loss_unbiased": &e.Unbiased, "loss_biased": &e.Biased, "loss_heldout": &e.HeldOut, "loss_heldout_se": &e.HeldOutSE,
		"loss_floor": &e.Floor, "loss_excess": &e.Excess, "equivalent_records": &e.EquivalentRecords,
	}
}

// text returns the JSON of a list of strings.
func text(v []string) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a list of strings always encodes
	}
	return string(b)
}
