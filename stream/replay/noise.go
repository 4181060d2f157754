package replay

import "math"

// golden is 2^64 over the golden ratio, the step of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z += golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// whiteNoise is a function of key and i with mean 0 and variance 1: the sum of
// four uniform variables, bounded by 2 sqrt(3).
func whiteNoise(key, i uint64) float64 {
	h := mix(key + i*golden)
	sum := int64(h&0xffff) + int64(h>>16&0xffff) + int64(h>>32&0xffff) + int64(h>>48)
	return float64(sum-2*0xffff) * (math.Sqrt2 * 1.224744871391589 / 65536)
}

// normal is a function of key and j: the sum of twelve uniform variables, less
// its mean.
func normal(key, j uint64) float64 {
	h := mix(key + j*golden)
	var sum int64
	for range 3 {
		sum += int64(h&0xffff) + int64(h>>16&0xffff) + int64(h>>32&0xffff) + int64(h>>48)
		h = mix(h)
	}
	return float64(sum-6*0xffff) / 65536
}

// factor is a process with unit variance at every i: the sum of two octaves
//
//	0.6 g(i; 8) + 0.8 g(i; 64),   g(i; L) = cos(pi t/2) n(j) + sin(pi t/2) n(j+1),   i = L (j + t)
//
// where the n(j) are independent and normal. Values further apart than 2 L rows
// are independent in an octave of length L.
type factor struct{ fast, slow octave }

type octave struct {
	key         uint64
	j           int64
	left, right float64
}

const (
	fastRows = 8
	slowRows = 64
)

var (
	fastWave = wave(fastRows, 0.6)
	slowWave = wave(slowRows, 0.8)
)

// wave tabulates amplitude times the weights of n(j) and n(j+1).
func wave(rows int, amplitude float64) [][2]float64 {
	w := make([][2]float64, rows)
	for i := range w {
		sin, cos := math.Sincos(math.Pi / 2 * float64(i) / float64(rows))
		w[i] = [2]float64{amplitude * cos, amplitude * sin}
	}
	return w
}

func (f *factor) seed(key uint64) {
	f.fast = octave{key: mix(key), j: -2}
	f.slow = octave{key: mix(key + 1), j: -2}
}

func (f *factor) at(i int64) float64 {
	return f.fast.at(i/fastRows, fastWave[i%fastRows]) + f.slow.at(i/slowRows, slowWave[i%slowRows])
}

// at remembers the two values around the last row, so that only every L-th row
// draws a new one.
func (o *octave) at(j int64, w [2]float64) float64 {
	if j != o.j {
		if j == o.j+1 && o.j >= 0 {
			o.left = o.right
		} else {
			o.left = normal(o.key, uint64(j))
		}
		o.right = normal(o.key, uint64(j+1))
		o.j = j
	}
	return w[0]*o.left + w[1]*o.right
}
