package draw

import (
	"math"
	"slices"
	"testing"
)

func TestStreamsRepeatAndDiffer(t *testing.T) {
	s := New()
	draw := func(seed uint64, p Purpose, n uint64) []float32 {
		v := make([]float32, 64)
		s.Seek(seed, p, n)
		s.Normals(v)
		return v
	}
	first := draw(1, Latents, 5)
	for name, other := range map[string][]float32{
		"seed": draw(2, Latents, 5), "purpose": draw(1, Samples, 5), "number": draw(1, Latents, 6),
	} {
		if slices.Equal(first, other) {
			t.Errorf("another %s gives the same stream", name)
		}
	}
	if !slices.Equal(first, draw(1, Latents, 5)) {
		t.Error("a stream does not repeat")
	}
}

// TestNeighbouringStreamsAreIndependent: moments within and correlation
// between streams of consecutive numbers, each within five standard errors.
func TestNeighbouringStreamsAreIndependent(t *testing.T) {
	const streams, n = 400, 256
	s := New()
	prev := make([]float32, n)
	var mean, square, fourth, cross float64
	for k := range streams {
		v := make([]float32, n)
		s.Seek(3, Latents, uint64(k))
		s.Normals(v)
		for i, x := range v {
			y := float64(x)
			mean += y
			square += y * y
			fourth += y * y * y * y
			cross += y * float64(prev[i])
		}
		prev = v
	}
	total := float64(streams * n)
	for name, z := range map[string]float64{
		"mean":        mean / math.Sqrt(total),
		"variance":    (square - total) / math.Sqrt(2*total),
		"kurtosis":    (fourth - 3*total) / math.Sqrt(96*total),
		"correlation": cross / math.Sqrt(total),
	} {
		if math.Abs(z) > 5 {
			t.Errorf("%s is %.1f standard errors off", name, z)
		}
	}
}

func TestShufflePermutes(t *testing.T) {
	v := make([]int, 50)
	for i := range v {
		v[i] = i
	}
	s := New()
	s.Seek(1, Frequencies, 0)
	s.Shuffle(v)
	if slices.IsSorted(v) {
		t.Error("the shuffle left the order")
	}
	slices.Sort(v)
	for i := range v {
		if v[i] != i {
			t.Fatalf("not a permutation: %v", v)
		}
	}
}
