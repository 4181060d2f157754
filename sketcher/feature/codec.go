package feature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"phasor/snapshot/safetensors"
)

// Format is the format of an encoded spec.
const Format = "phasor.spec/1"

// The tensors and the metadata of a spec.
const (
	tensorOmega      = "omega"
	tensorOffset     = "offset"
	tensorScale      = "scale"
	tensorEdges      = "histogram.edges"
	tensorValues     = "histogram.values"
	tensorExact      = "histogram.exact"
	tensorRotation   = "drift.rotation"
	tensorComponents = "drift.components"

	metaFormat     = "format"
	metaMap        = "map"
	metaChannels   = "channels"
	metaTransforms = "transforms"
	metaKinds      = "kinds"
	metaLaw        = "law"
	metaParams     = "law.parameters"
	metaSeed       = "seed"
	metaPilot      = "pilot"
	metaFeatures   = "features"
)

// Encode returns s as a file of format phasor.spec/1: the same bytes for equal
// specs.
func (s *Spec) Encode() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	d, m := s.Dim(), s.Features
	transforms, kinds := make([]string, d), make([]string, d)
	for k, c := range s.Channels {
		transforms[k], kinds[k] = c.Transform.String(), c.Kind.String()
	}
	params := s.Params
	if params == nil {
		params = map[string]string{}
	}
	f := safetensors.File{Metadata: map[string]string{
		metaFormat:     Format,
		metaMap:        s.Fingerprint(),
		metaChannels:   text(s.Names()),
		metaTransforms: text(transforms),
		metaKinds:      text(kinds),
		metaLaw:        s.Law,
		metaParams:     text(params),
		metaSeed:       strconv.FormatUint(s.Seed, 10),
		metaPilot:      strconv.FormatInt(s.Pilot, 10),
		metaFeatures:   strconv.Itoa(m),
	}}
	f.Add(
		safetensors.Int32s(tensorOmega, s.Omega, m, d),
		safetensors.Float64s(tensorOffset, s.Offset, d),
		safetensors.Float64s(tensorScale, s.Scale, d),
		safetensors.Int32s(tensorEdges, s.Edges, d, Bins+1),
		safetensors.Int32s(tensorValues, s.Values, d, Bins),
		safetensors.Float32s(tensorRotation, s.Rotation, len(s.Rotation)/d, d),
		safetensors.Float32s(tensorComponents, s.Components, 2*m, len(s.Components)/(2*m)),
	)
	if len(s.Exact) > 0 {
		f.Add(safetensors.Float64s(tensorExact, s.Exact, d, Bins))
	}
	return f.Encode()
}

// DecodeSpec is the inverse of [Spec.Encode]. It refuses bytes that Encode would
// not have written.
func DecodeSpec(b []byte) (*Spec, error) {
	f, err := safetensors.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("feature: spec of %d bytes: %w", len(b), err)
	}
	s, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("feature: spec of %d bytes: %w", len(b), err)
	}
	again, err := s.Encode()
	if err != nil {
		return nil, err
	}
	if found, want := f.Metadata[metaMap], s.Fingerprint(); found != want {
		return nil, fmt.Errorf("feature: %w: the file claims the map %q and holds the map %s", ErrSpec, found, want)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("feature: %w: the file holds more than a spec, or other metadata than its spec has", ErrSpec)
	}
	return s, nil
}

// read takes the fields of a spec from a file without judging their values.
func read(f *safetensors.File) (*Spec, error) {
	if f.Format() != Format {
		return nil, fmt.Errorf("%w: the format is %q, wanted %q", ErrSpec, f.Format(), Format)
	}
	var names, transforms, kinds []string
	s := &Spec{Law: f.Metadata[metaLaw]}
	for _, t := range []struct {
		key string
		to  any
	}{
		{metaChannels, &names}, {metaTransforms, &transforms}, {metaKinds, &kinds}, {metaParams, &s.Params},
		{metaSeed, &s.Seed}, {metaPilot, &s.Pilot}, {metaFeatures, &s.Features},
	} {
		if err := json.Unmarshal([]byte(f.Metadata[t.key]), t.to); err != nil {
			return nil, fmt.Errorf("%w: metadata %s = %q: %w", ErrSpec, t.key, f.Metadata[t.key], err)
		}
	}
	if len(transforms) != len(names) || len(kinds) != len(names) {
		return nil, fmt.Errorf("%w: %d channels, %d transforms, %d kinds", ErrSpec, len(names), len(transforms), len(kinds))
	}
	s.Channels = make([]Channel, len(names))
	for k, n := range names {
		t, err := ParseTransform(transforms[k])
		if err != nil {
			return nil, fmt.Errorf("%w: channel %q: %w", ErrSpec, n, err)
		}
		kind, err := ParseKind(kinds[k])
		if err != nil {
			return nil, fmt.Errorf("%w: channel %q: %w", ErrSpec, n, err)
		}
		s.Channels[k] = Channel{Name: n, Transform: t, Kind: kind}
	}
	return s, readTensors(s, f)
}

func readTensors(s *Spec, f *safetensors.File) (err error) {
	d, m := s.Dim(), s.Features
	if s.Omega, err = f.Int32s(tensorOmega, m, d); err != nil {
		return err
	}
	if s.Offset, err = f.Float64s(tensorOffset, d); err != nil {
		return err
	}
	if s.Scale, err = f.Float64s(tensorScale, d); err != nil {
		return err
	}
	if s.Edges, err = f.Int32s(tensorEdges, d, Bins+1); err != nil {
		return err
	}
	if s.Values, err = f.Int32s(tensorValues, d, Bins); err != nil {
		return err
	}
	if _, ok := f.Tensor(tensorExact); ok {
		if s.Exact, err = f.Float64s(tensorExact, d, Bins); err != nil {
			return err
		}
	}
	if s.Rotation, err = f.Float32s(tensorRotation, -1, d); err != nil {
		return err
	}
	s.Components, err = f.Float32s(tensorComponents, 2*m, -1)
	return err
}

// text returns v as JSON in one canonical form: map keys sorted, only what JSON
// requires escaped.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, and slices and maps of strings, always encode
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
