package sketch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"phasor/sketcher/feature"
	"phasor/snapshot/safetensors"
)

// Format is the format of an encoded accumulator.
const Format = "phasor.sketch/1"

// total is the name of the accumulator in a file of that format.
const total = "total"

// ErrInvalid is wrapped by the errors of reading numbers that are not a sketch.
var ErrInvalid = errors.New("invalid sketch")

// AppendTo adds the tensors NAME/... of a to a file.
func (a *Accumulator) AppendTo(f *safetensors.File, name string) {
	d, m := a.Dim(), a.features
	f.Add(
		safetensors.Int64s(name+"/count", []int64{a.count}, 1),
		safetensors.Int64s(name+"/A", a.words(0, m), m, 2),
		safetensors.Int64s(name+"/B", a.words(a.indexB(), m), m, 2),
		safetensors.Int64s(name+"/moment1", a.words(a.indexMoment1(), d), d, 2),
		safetensors.Int64s(name+"/moment2", a.words(a.indexMoment2(), feature.Pairs(d)), feature.Pairs(d), 2),
		safetensors.Int32s(name+"/min", a.sums.Min, d),
		safetensors.Int32s(name+"/max", a.sums.Max, d),
		safetensors.Int64s(name+"/histogram", a.sums.Histogram, d, feature.Bins),
		safetensors.Int64s(name+"/clamped", a.sums.Clamped, d),
	)
}

// words returns the pairs of n sums from the i-th one.
func (a *Accumulator) words(i, n int) []int64 {
	w := make([]int64, 0, 2*n)
	for end := i + n; i < end; i++ {
		x := a.sum(i)
		w = append(w, int64(x.lo), x.hi)
	}
	return w
}

// Read returns the accumulator NAME of a file that was made with the map of that
// fingerprint, those channels and so many features. It has no map: see
// [Accumulator.Bind].
func Read(f *safetensors.File, name, fingerprint string, channels []string, features int) (*Accumulator, error) {
	a, err := read(f, name, fingerprint, channels, features)
	if err != nil {
		return nil, fmt.Errorf("sketch: accumulator %q: %w", name, err)
	}
	return a, nil
}

func read(f *safetensors.File, name, fingerprint string, channels []string, features int) (*Accumulator, error) {
	d := len(channels)
	if d == 0 || features < 1 {
		return nil, fmt.Errorf("%w: %d channels and %d features", ErrInvalid, d, features)
	}
	count, err := f.Int64s(name+"/count", 1)
	if err != nil {
		return nil, err
	}
	if count[0] < 0 || count[0] > maxCount {
		return nil, fmt.Errorf("%w: a count of %d", ErrInvalid, count[0])
	}
	// The shapes are checked before anything of their size is allocated.
	var words [][]int64
	for _, t := range []struct {
		name string
		n    int
	}{{"/A", features}, {"/B", features}, {"/moment1", d}, {"/moment2", feature.Pairs(d)}} {
		w, err := f.Int64s(name+t.name, t.n, 2)
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	var s feature.Sums
	if s.Min, err = f.Int32s(name+"/min", d); err != nil {
		return nil, err
	}
	if s.Max, err = f.Int32s(name+"/max", d); err != nil {
		return nil, err
	}
	if s.Histogram, err = f.Int64s(name+"/histogram", d, feature.Bins); err != nil {
		return nil, err
	}
	if s.Clamped, err = f.Int64s(name+"/clamped", d); err != nil {
		return nil, err
	}

	a := blank(fingerprint, channels, features)
	a.count = count[0]
	a.sums.Min, a.sums.Max, a.sums.Histogram, a.sums.Clamped = s.Min, s.Max, s.Histogram, s.Clamped
	if err := a.load(words); err != nil {
		return nil, err
	}
	return a, a.check()
}

// load sets the sums from their pairs, after it checked their bounds.
func (a *Accumulator) load(words [][]int64) error {
	if a.count > room {
		a.high = make([]int64, len(a.low))
	} else {
		a.since = a.count
	}
	i := 0
	for part, w := range words {
		bound := times(a.count, [...]int64{feature.MaxA, feature.MaxB, feature.MaxV, feature.MaxV * feature.MaxV}[part])
		for ; len(w) > 0; w = w[2:] {
			x := wide{w[1], uint64(w[0])}
			if !x.within(bound) {
				return fmt.Errorf("%w: %s of %d records cannot hold %v", ErrInvalid, [...]string{"A", "B", "moment1", "moment2"}[part], a.count, x.int())
			}
			if a.high == nil {
				a.low[i] = int64(x.lo)
			} else {
				a.low[i], a.high[i] = int64(x.lo&(1<<carryBits-1)), x.high()
			}
			i++
		}
	}
	return nil
}

// Encode returns a as a file of format phasor.sketch/1: the same bytes for equal
// accumulators.
func (a *Accumulator) Encode() ([]byte, error) {
	var names bytes.Buffer
	e := json.NewEncoder(&names)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.channels); err != nil {
		return nil, fmt.Errorf("sketch: channel names %q: %w", a.channels, err)
	}
	f := safetensors.File{Metadata: map[string]string{
		"format":   Format,
		"map":      a.fingerprint,
		"channels": string(bytes.TrimSuffix(names.Bytes(), []byte("\n"))),
	}}
	a.AppendTo(&f, total)
	return f.Encode()
}

// Decode is the inverse of [Accumulator.Encode]. It refuses bytes that Encode
// would not have written. The accumulator has no map: see [Accumulator.Bind].
func Decode(b []byte) (*Accumulator, error) {
	f, err := safetensors.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("sketch: file of %d bytes: %w", len(b), err)
	}
	if f.Format() != Format {
		return nil, fmt.Errorf("sketch: %w: the format is %q, wanted %q", ErrInvalid, f.Format(), Format)
	}
	var channels []string
	if err := json.Unmarshal([]byte(f.Metadata["channels"]), &channels); err != nil {
		return nil, fmt.Errorf("sketch: %w: metadata channels = %q: %w", ErrInvalid, f.Metadata["channels"], err)
	}
	t, ok := f.Tensor(total + "/A")
	if !ok || len(t.Shape) != 2 {
		return nil, fmt.Errorf("sketch: %w: there is no accumulator %q", ErrInvalid, total)
	}
	a, err := Read(f, total, f.Metadata["map"], channels, t.Shape[0])
	if err != nil {
		return nil, err
	}
	again, err := a.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("sketch: %w: the file holds more than the accumulator %q and its metadata", ErrInvalid, total)
	}
	return a, nil
}
