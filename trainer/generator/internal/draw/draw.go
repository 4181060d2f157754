// Package draw gives numbered streams of pseudo-random numbers: stream n of a
// seed is the same whenever and wherever it is drawn, so that a step or a
// block of samples needs no state but its number.
package draw

import "math/rand/v2"

// Purpose keeps the streams of different uses of one seed apart.
type Purpose uint64

// The purposes of streams.
const (
	Weights Purpose = iota + 1
	HeldOut
	Frequencies
	Latents
	Validation
	Calibration
	Samples
)

// Source is a reusable generator. Its zero value is not ready: use New.
type Source struct {
	pcg  *rand.PCG
	rand *rand.Rand
}

// New returns a source; Seek chooses its stream.
func New() *Source {
	pcg := rand.NewPCG(0, 0)
	return &Source{pcg: pcg, rand: rand.New(pcg)}
}

// Seek moves the source to the start of stream n of a seed.
func (s *Source) Seek(seed uint64, p Purpose, n uint64) {
	a := mix(seed ^ mix(uint64(p)))
	s.pcg.Seed(mix(a+n), mix(mix(n)^a))
}

// Normals fills dst with independent standard normal numbers.
func (s *Source) Normals(dst []float32) {
	for i := range dst {
		dst[i] = float32(s.rand.NormFloat64())
	}
}

// Normal returns a standard normal number.
func (s *Source) Normal() float64 { return s.rand.NormFloat64() }

// Shuffle permutes v uniformly.
func (s *Source) Shuffle(v []int) {
	s.rand.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood 2014): a
// bijection that spreads neighbouring numbers over all bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
