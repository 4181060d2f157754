package feature

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Rules of the drift rotation.
const (
	rotationClip       = 20   // standard units
	rotationThreshold  = 1e-3 // of the mean eigenvalue
	recordsPerRotation = 25
)

// project fills the drift projections of the spec and, from the same pass over
// the pilot, the health figure of the report.
func (p *pilotSet) project(spec *Spec, rep *Report) {
	spec.Rotation = p.rotation()
	rep.Rotations = len(spec.Rotation) / p.d
	var z []complex128
	var records int
	spec.Components, z, records = p.components(spec.Omega, spec.Features)
	rep.Components = len(spec.Components) / (2 * spec.Features)
	rep.Health = p.health(spec.Omega, z, records)
	rep.warnProjections()
}

// rotation returns the rows V'/sqrt(eigenvalue) of the principal components of
// the clipped pilot with an eigenvalue above a thousandth of the mean one, at
// most one for 25 records but two for any pilot, the largest first. The
// coordinates of the pilot are uncorrelated with unit variance. Beyond widest
// channels there is no rotation.
func (p *pilotSet) rotation() []float32 {
	d := p.d
	if d > widest {
		return nil
	}
	_, cov := p.covariance(rotationClip)
	values, vectors, ok := principal(cov, d)
	if !ok {
		return nil
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	limit := min(d, max(2, p.n/recordsPerRotation))
	var rows []float32
	for r := 0; r < limit && values[r] > rotationThreshold*sum/float64(d); r++ {
		scale := 1 / math.Sqrt(values[r])
		for k := range d {
			rows = append(rows, float32(vectors.At(k, r)*scale))
		}
	}
	return rows
}

// principal returns the eigenvalues of a symmetric d*d matrix, given by its
// upper triangle, in decreasing order, and its eigenvectors in the same order
// as columns, each with its largest entry positive.
func principal(upper []float64, d int) (values []float64, vectors *mat.Dense, ok bool) {
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(d, upper), true) {
		return nil, nil, false
	}
	ascending := eigen.Values(nil)
	var v mat.Dense
	eigen.VectorsTo(&v)
	values = make([]float64, d)
	vectors = mat.NewDense(d, d, nil)
	for j := range d {
		from := d - 1 - j
		values[j] = ascending[from]
		largest := 0
		for i := range d {
			// The margin keeps rounding from choosing between equal entries.
			if math.Abs(v.At(i, from)) > math.Abs(v.At(largest, from))*(1+1e-6) {
				largest = i
			}
		}
		sign := math.Copysign(1, v.At(largest, from))
		for i := range d {
			vectors.Set(i, j, sign*v.At(i, from))
		}
	}
	return values, vectors, true
}

// health returns sum |z - phi_Gauss|^2 / sum (1 - |z|^2)/N over the
// frequencies, or 0 without noise.
func (p *pilotSet) health(omega []int32, z []complex128, records int) float64 {
	gauss := p.gaussian()
	var signal, noise float64
	for j, v := range z {
		e := v - gauss.at(omega[j*p.d:(j+1)*p.d])
		signal += float64(real(e)*real(e)) + float64(imag(e)*imag(e))
		noise += 1 - float64(real(v)*real(v)) - float64(imag(v)*imag(v))
	}
	noise /= float64(records)
	if noise <= 1e-6*float64(len(z)) {
		return 0
	}
	return signal / noise
}
