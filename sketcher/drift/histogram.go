package drift

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"phasor/sketcher/feature"
)

// shapeOrder is the number of coordinates of a channel in group H, Neyman's (1937)
// smooth ones: the means of sqrt(2) cos(pi j u), j = 1 .. shapeOrder, of the probability
// transform u.
const shapeOrder = 4

// waves holds sqrt(2) cos(pi j u) of each channel, bin and order j.
type waves []float64

// newWaves takes the probability transform of each of d channels from the histograms of
// a reference: u of a bin is the share of records below it and of half of those in it. So a
// channel of few values has as few values of u.
func newWaves(counts []int64, d int) waves {
	w := make(waves, 0, d*feature.Bins*shapeOrder)
	for c := range d {
		h := counts[c*feature.Bins : (c+1)*feature.Bins]
		var total, below float64
		for _, n := range h {
			total += float64(n)
		}
		for _, n := range h {
			w = w.append((below + float64(n)/2) / max(total, 1))
			below += float64(n)
		}
	}
	return w
}

// rankWaves takes u from the number of a bin, for want of a reference.
func rankWaves(d int) waves {
	w := make(waves, 0, d*feature.Bins*shapeOrder)
	for range d {
		for b := range feature.Bins {
			w = w.append((float64(b) + .5) / feature.Bins)
		}
	}
	return w
}

func (w waves) append(u float64) waves {
	for j := 1; j <= shapeOrder; j++ {
		w = append(w, math.Sqrt2*math.Cos(math.Pi*float64(j)*u))
	}
	return w
}

// mean sets dst to the means of channel c's waves over the records of a histogram.
func (w waves) mean(dst []float64, c int, h []int64, n float64) {
	clear(dst)
	at := w[c*feature.Bins*shapeOrder:]
	for b, count := range h {
		if count == 0 {
			continue
		}
		share := float64(count) / n
		for j := range dst {
			dst[j] += share * at[b*shapeOrder+j]
		}
	}
}

// shapes returns block H.
func (l layout) shapes() (block, bool) {
	for _, b := range l.blocks {
		if b.group == GroupH {
			return b, true
		}
	}
	return block{}, false
}

// whitening holds, for each channel of block H, the symmetric square root of its
// innovations' inverse covariance, shapeOrder×shapeOrder by rows.
type whitening []float64

// newWhitening estimates it from rows of standardised innovations. Each channel's matrix
// is averaged with that of all channels at priorDegrees; coordinates that never moved are
// left alone.
func newWhitening(rows []float64, width int, b block, alive []bool) whitening {
	const size = shapeOrder * shapeOrder
	n := len(rows) / width
	channels := b.width() / shapeOrder
	cov := make([]float64, channels*size)
	for t := range n {
		row := rows[t*width+b.lo : t*width+b.hi]
		for c := range channels {
			e := row[c*shapeOrder : (c+1)*shapeOrder]
			for i, x := range e {
				for j, y := range e {
					cov[c*size+i*shapeOrder+j] += x * y / float64(n)
				}
			}
		}
	}
	var mean [size]float64
	for i, v := range cov {
		mean[i%size] += v / float64(channels)
	}
	share := priorDegrees / (priorDegrees + float64(n))
	w := make(whitening, channels*size)
	var eigen mat.EigenSym
	s := mat.NewSymDense(shapeOrder, nil)
	var v mat.Dense
	for c := range channels {
		for i := range shapeOrder {
			for j := i; j < shapeOrder; j++ {
				at := i*shapeOrder + j
				x := (1-share)*cov[c*size+at] + share*mean[at]
				if k := b.lo + c*shapeOrder; !alive[k+i] || !alive[k+j] {
					x = 0
					if i == j {
						x = 1
					}
				}
				s.SetSym(i, j, x)
			}
		}
		if !eigen.Factorize(s, true) {
			panic("drift: the innovations are not finite")
		}
		eigen.VectorsTo(&v)
		for l, value := range eigen.Values(nil) {
			by := 1 / math.Sqrt(max(value, 1e-3))
			for i := range shapeOrder {
				for j := range shapeOrder {
					w[c*size+i*shapeOrder+j] += v.At(i, l) * v.At(j, l) * by
				}
			}
		}
	}
	return w
}

// apply whitens block H of a row of innovations in place.
func (w whitening) apply(row []float64) {
	const size = shapeOrder * shapeOrder
	for c := 0; c*shapeOrder < len(row); c++ {
		e := row[c*shapeOrder : (c+1)*shapeOrder]
		var y [shapeOrder]float64
		for i := range y {
			for j, x := range e {
				y[i] += w[c*size+i*shapeOrder+j] * x
			}
		}
		copy(e, y[:])
	}
}

// applyClipped is apply on innovations that are clipped again.
func (w whitening) applyClipped(row []float64) {
	w.apply(row)
	for k, x := range row {
		row[k] = clipped(x)
	}
}
