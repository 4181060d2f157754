package sketch

import (
	"math"
	"slices"
	"unsafe"

	"phasor/sketcher/feature"
)

// Accumulator is the sketch of a multiset of records. Make one with [New],
// [Read] or [Decode]. It is not safe for concurrent use.
type Accumulator struct {
	m           *feature.Map // nil if read from a file and not bound yet
	fingerprint string
	channels    []string
	features    int

	count int64
	sums  feature.Sums

	// A, B, moment1 and moment2 of sums lie one after the other in low. The
	// true sum i is high[i] 2^32 + low[i], or low[i] while high is nil. One
	// record adds at most 2^30 to |low[i]|, and carry leaves it below 2^32, so
	// that room records can be added between two carries.
	low, high []int64
	since     int64 // records added to low since the last carry
}

const (
	carryBits = 32
	room      = 1 << 32

	// maxCount is the largest number of records of an accumulator.
	maxCount = 1 << 62
)

// New returns the accumulator of no records.
func New(m *feature.Map) *Accumulator {
	a := blank(m.Fingerprint(), m.Spec().Names(), m.Features())
	a.m = m
	return a
}

func blank(fingerprint string, channels []string, features int) *Accumulator {
	d := len(channels)
	a := &Accumulator{fingerprint: fingerprint, channels: channels, features: features}
	a.sums = feature.Sums{
		Min:       make([]int32, d),
		Max:       make([]int32, d),
		Histogram: make([]int64, d*feature.Bins),
		Clamped:   make([]int64, d),
	}
	a.low = make([]int64, 2*features+d+feature.Pairs(d))
	rest := a.low
	for _, part := range []struct {
		to *[]int64
		n  int
	}{{&a.sums.A, features}, {&a.sums.B, features}, {&a.sums.Moment1, d}, {&a.sums.Moment2, feature.Pairs(d)}} {
		*part.to, rest = rest[:part.n:part.n], rest[part.n:]
	}
	a.Reset()
	return a
}

// Fold adds quantised records, one after the other; every |q| is at most
// [feature.Limit]. It does not allocate, and any division of the records among
// calls gives the same accumulator. It panics if a has no map, or if the length
// of q is not a multiple of d.
func (a *Accumulator) Fold(q []int32) {
	if a.m == nil {
		panic("sketch: Fold without a map: Bind one first")
	}
	n := int64(len(q) / len(a.channels))
	if a.since+n > room {
		a.carry()
	}
	a.m.Fold(&a.sums, q)
	a.count += n
	a.since += n
}

// carry moves all but the low 32 bits of low to high.
func (a *Accumulator) carry() {
	if a.high == nil {
		a.high = make([]int64, len(a.low))
	}
	for i, x := range a.low {
		a.high[i] += x >> carryBits
		a.low[i] = x & (1<<carryBits - 1)
	}
	a.since = 0
}

// sum returns the true sum i.
func (a *Accumulator) sum(i int) wide {
	if a.high == nil {
		return narrow(a.low[i])
	}
	return join(a.high[i], a.low[i])
}

// The first indices of the sums in low.
func (a *Accumulator) indexB() int       { return a.features }
func (a *Accumulator) indexMoment1() int { return 2 * a.features }
func (a *Accumulator) indexMoment2() int { return 2*a.features + len(a.channels) }

// Reset removes all records.
func (a *Accumulator) Reset() {
	a.count, a.since, a.high = 0, 0, nil
	clear(a.low)
	clear(a.sums.Histogram)
	clear(a.sums.Clamped)
	for k := range a.channels {
		a.sums.Min[k], a.sums.Max[k] = math.MaxInt32, math.MinInt32
	}
}

// Clone returns a copy that shares only the map and the channel names with a.
func (a *Accumulator) Clone() *Accumulator {
	c := blank(a.fingerprint, a.channels, a.features)
	c.CopyFrom(a)
	return c
}

// CopyFrom makes a a copy of o, without allocating if their shapes are equal and
// o has fewer than 2^32 records.
func (a *Accumulator) CopyFrom(o *Accumulator) {
	if a == o {
		return
	}
	if len(a.channels) != len(o.channels) || a.features != o.features {
		*a = *blank(o.fingerprint, o.channels, o.features)
	}
	a.m, a.fingerprint, a.channels = o.m, o.fingerprint, o.channels
	a.count, a.since = o.count, o.since
	copy(a.low, o.low)
	a.high = slices.Clone(o.high)
	copy(a.sums.Min, o.sums.Min)
	copy(a.sums.Max, o.sums.Max)
	copy(a.sums.Histogram, o.sums.Histogram)
	copy(a.sums.Clamped, o.sums.Clamped)
}

// Equal reports whether a and o are sketches by the same map with equal
// integers: whether their encodings are the same bytes.
func (a *Accumulator) Equal(o *Accumulator) bool {
	if a.compatible(o) != nil || a.count != o.count || !slices.Equal(a.channels, o.channels) ||
		!slices.Equal(a.sums.Min, o.sums.Min) || !slices.Equal(a.sums.Max, o.sums.Max) ||
		!slices.Equal(a.sums.Histogram, o.sums.Histogram) || !slices.Equal(a.sums.Clamped, o.sums.Clamped) {
		return false
	}
	for i := range a.low {
		if a.sum(i) != o.sum(i) {
			return false
		}
	}
	return true
}

// Bytes returns the memory that a holds, without its map.
func (a *Accumulator) Bytes() int {
	words := len(a.low) + len(a.high) + len(a.sums.Histogram) + len(a.sums.Clamped)
	return int(unsafe.Sizeof(*a)) + 8*words + 4*(len(a.sums.Min)+len(a.sums.Max))
}
