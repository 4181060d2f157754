package score

import (
	"math"
	"slices"
)

// tail is the distribution of a measure among the model's records: their values, and beyond the largest tenth an
// exponential with the mean of what exceeds it.
type tail struct {
	sorted []float64
	begin  float64 // of the exponential
	mean   float64
}

func newTail(values []float64) tail {
	t := tail{sorted: slices.Sorted(slices.Values(values))}
	cut := len(values) - len(values)/10
	t.begin = t.sorted[cut-1]
	for _, v := range t.sorted[cut:] {
		t.mean += (v - t.begin) / float64(len(values)-cut)
	}
	return t
}

// below returns the share of the values below v.
func (t tail) below(v float64) float64 {
	i, _ := slices.BinarySearch(t.sorted, v)
	return float64(i) / float64(len(t.sorted))
}

// share returns that of values of v and more, with v counted as one of them.
func (t tail) share(v float64) float64 {
	i, _ := slices.BinarySearch(t.sorted, v)
	return float64(len(t.sorted)-i+1) / float64(len(t.sorted)+1)
}

// odd returns -log10 of the share, of the exponential beyond its begin.
func (t tail) odd(v float64) float64 {
	if v <= t.begin || t.mean == 0 {
		return -math.Log10(t.share(v))
	}
	return -math.Log10(float64(len(t.sorted)/10+1)/float64(len(t.sorted)+1)) + (v-t.begin)/t.mean*math.Log10E
}
