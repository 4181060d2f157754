package feature

import (
	"math"
	"slices"
)

// fewValues is the largest number of different values of a discrete channel
// that is judged by their number, and fewRepeats how often they must occur on
// average. A channel with more values is discrete if atoms make up
// discreteShare of it.
const (
	fewValues     = 64
	fewRepeats    = 5
	discreteShare = 0.95
)

// lumpyShare is the share of one value whose square reaches the level at which
// the pilot curve gives the largest radius: such an atom alone keeps the curve
// above it at any radius.
const lumpyShare = 0.0707

// valueCount is a quantised value and how many records have it.
type valueCount struct {
	q     int32
	count int
}

// valueCounts are the different values of a column in increasing order.
type valueCounts []valueCount

// pilotSet is a quantised pilot.
type pilotSet struct {
	n, d  int
	q     []int32 // n*d, row-major
	seed  uint64
	lumpy bool // some channel is discrete or has a heavy atom
}

// quantiseColumn standardises x into column k and returns its value counts.
func (p *pilotSet) quantiseColumn(x []float64, k int, offset, scale float64) valueCounts {
	sorted := make([]int32, p.n)
	for i, v := range x {
		y := float64(float64(v-offset)*scale) * Unit
		q := int32(math.RoundToEven(min(max(y, -Limit), Limit)))
		p.q[i*p.d+k] = q
		sorted[i] = q
	}
	slices.Sort(sorted)
	var values valueCounts
	for _, q := range sorted {
		if last := len(values) - 1; last >= 0 && values[last].q == q {
			values[last].count++
			continue
		}
		values = append(values, valueCount{q, 1})
	}
	return values
}

// clamped counts the records at the limits of the quantised range.
func (v valueCounts) clamped() int {
	n := 0
	for _, c := range v {
		if c.q == Limit || c.q == -Limit {
			n += c.count
		}
	}
	return n
}

// heaviest returns the count of the most frequent value.
func heaviest(v valueCounts) float64 {
	most := 0
	for _, c := range v {
		most = max(most, c.count)
	}
	return float64(most)
}

// kindOf classifies a column of n records that is not constant in physical
// units.
func kindOf(values, atoms valueCounts, n int) Kind {
	if len(values) <= fewValues && n >= fewRepeats*len(values) {
		return Discrete
	}
	held := 0
	for _, a := range atoms {
		held += a.count
	}
	if float64(held) >= discreteShare*float64(n) {
		return Discrete
	}
	return Continuous
}
