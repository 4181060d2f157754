package serve

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"phasor/trainer/inverse"
)

// recoverRequest asks for records x of which y = A x + w was measured.
type recoverRequest struct {
	Matrix       [][]float64 `json:"matrix"` // A, a row a measurement and a column a channel
	Measurements [][]float64 `json:"measurements"`
	Noise        *float64    `json:"noise"` // standard deviation of w, in the units of y
	Units        string      `json:"units"` // of x: physical, or standard
	Method       method      `json:"method"`
}

// largest bounds the numbers of measurements, and the inverse of their noise, so that no product of them is infinite.
const largest = 1e30

// checkMeasurements refuses what is no list of n numbers within the bounds, and noise that is not above zero.
func checkMeasurements(measurements [][]float64, n int, noise *float64, most int) error {
	switch k := len(measurements); {
	case k < 1 || k > most:
		return unanswerable("\"measurements\" has %d lists: give 1 to %d, one for each record", k, most)
	case noise == nil || !(*noise >= 1/largest && *noise <= largest):
		return unanswerable("\"noise\" must be a number above 0, from %g to %g: the standard deviation of the measurements", 1/largest, largest)
	}
	for i, y := range measurements {
		if len(y) != n {
			return unanswerable("measurement %d has %d numbers where %d are measured", i, len(y), n)
		}
		for _, v := range y {
			if math.Abs(v) > largest {
				return unanswerable("measurement %d has the number %g: the largest is %g", i, v, largest)
			}
		}
	}
	return nil
}

// mostRows bounds the measurements of a record: more say little, and the work grows with their square.
func (e *engine) mostRows() int { return max(64, 2*e.dim()) }

// recovered answers /v1/recover.
func recovered(ctx context.Context, e *engine, l Limits, r *recoverRequest) (any, error) {
	d := e.dim()
	if n := len(r.Matrix); n < 1 || n > e.mostRows() {
		return nil, unanswerable("\"matrix\" has %d rows: give 1 to %d, one for each measurement", n, e.mostRows())
	}
	for i, row := range r.Matrix {
		if len(row) != d {
			return nil, unanswerable("row %d of \"matrix\" has %d numbers, the model has %d channels: %q", i, len(row), d, e.version.Model.Names())
		}
	}
	if r.Units != "" && r.Units != "physical" && r.Units != "standard" {
		return nil, unanswerable("\"units\" is %.40q: it is physical or standard", r.Units)
	}
	return e.measured(ctx, l, r)
}

// measured solves for a matrix whose shape is right.
func (e *engine) measured(ctx context.Context, l Limits, r *recoverRequest) (any, error) {
	rows := len(r.Matrix)
	if err := checkMeasurements(r.Measurements, rows, r.Noise, l.Records); err != nil {
		return nil, err
	}
	if r.Units != "standard" && !e.straight(r.Matrix) {
		return e.bent(ctx, r)
	}
	a, at, err := e.operator(r.Matrix, r.Units == "standard")
	if err != nil {
		return nil, err
	}
	s, err := e.solver(keyOf("matrix", a, *r.Noise), e.prior, inverse.Problem{A: inverse.Dense(a), Noise: inverse.White(*r.Noise)}, r.Method.or("auto"), nil)
	if err != nil {
		return nil, err
	}
	answers, err := each(ctx, len(r.Measurements), func(i int) (answerOf, error) {
		y := make([]float64, rows)
		for j, v := range r.Measurements[i] {
			y[j] = v - at[j]
		}
		return e.answer(s.Solve(y)).checked(i)
	})
	return solveAnswer{e.head(), answers}, err
}

// straight says that a matrix measures only channels without a transform.
func (e *engine) straight(matrix [][]float64) bool {
	for _, row := range matrix {
		for k, v := range row {
			if v != 0 && !e.units.linear(k) {
				return false
			}
		}
	}
	return true
}

// bent solves for records in physical units, where a linear measurement of a channel with a transform is one.
func (e *engine) bent(ctx context.Context, r *recoverRequest) (any, error) {
	a := mat.NewDense(len(r.Matrix), e.dim(), nil)
	for i, row := range r.Matrix {
		for _, v := range row {
			if !(math.Abs(v) <= largest) {
				return nil, unanswerable("row %d of the matrix is out of range: the largest number is %g", i, largest)
			}
		}
		a.SetRow(i, row)
	}
	prior, err := e.physical()
	if err != nil {
		return nil, err
	}
	s, err := e.solver(keyOf("physical", a, *r.Noise), prior, inverse.Problem{A: inverse.Dense(a), Noise: inverse.White(*r.Noise)}, r.Method.or("auto"), nil)
	if err != nil {
		return nil, err
	}
	answers, err := each(ctx, len(r.Measurements), func(i int) (answerOf, error) {
		return plain(s.Solve(r.Measurements[i])).checked(i)
	})
	return solveAnswer{e.head(), answers}, err
}

// operator returns a matrix for records in standard units, and what it measures at their zero.
func (e *engine) operator(matrix [][]float64, standard bool) (a *mat.Dense, at []float64, err error) {
	d := e.dim()
	a, at = mat.NewDense(len(matrix), d, nil), make([]float64, len(matrix))
	for i, row := range matrix {
		for k, v := range row {
			if v == 0 || standard {
				a.Set(i, k, v)
				continue // Its zero is measured as zero.
			}
			a.Set(i, k, v/e.units.scale[k])
			at[i] += v * e.units.offset[k]
		}
		for _, v := range append(a.RawRowView(i), at[i]) {
			if !(math.Abs(v) <= largest) {
				return nil, nil, unanswerable("row %d of the matrix is out of range: the largest number is %g, in standard units", i, largest)
			}
		}
	}
	return a, at, nil
}

// keyOf is equal for equal matrices and noise.
func keyOf(kind string, a *mat.Dense, noise float64) string {
	h := sha256.New()
	var b []byte
	rows, cols := a.Dims()
	for i := range rows {
		for k := range cols {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(a.At(i, k)))
		}
	}
	h.Write(b)
	return fmt.Sprintf("%s %d %x %x", kind, rows, math.Float64bits(noise), h.Sum(nil))
}
