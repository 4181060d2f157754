package drift

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Survival functions as -log10 p, which stays exact where p underflows.

const maxLog10 = 300

// normalTail returns -log10 P(Z > z) of a standard normal Z.
func normalTail(z float64) float64 {
	if z < 25 {
		return -math.Log10(.5 * math.Erfc(z/math.Sqrt2))
	}
	// Mills' ratio to third order.
	q := 1 / (z * z)
	return (z*z/2 + math.Log(z*math.Sqrt(2*math.Pi)/(1-q+3*q*q))) / math.Ln10
}

// wilsonHilferty returns -log10 P(chi²_nu/nu > x) by the normal approximation of
// Wilson and Hilferty (1931), z = (x^(1/3) - (1 - 2/(9 nu))) / sqrt(2/(9 nu)).
func wilsonHilferty(x, nu float64) float64 {
	v := 2 / (9 * nu)
	return normalTail((math.Cbrt(x) - (1 - v)) / math.Sqrt(v))
}

// fisherTail returns -log10 P(F > x) of F with (n, d) degrees of freedom.
func fisherTail(x, n, d float64) float64 {
	if x <= 0 {
		return 0
	}
	return negLog10(mathext.RegIncBeta(d/2, n/2, d/(d+n*x)))
}

// studentTail returns -log10 P(T > t) of Student's t with d degrees of freedom, t >= 0.
func studentTail(t, d float64) float64 {
	return negLog10(.5 * mathext.RegIncBeta(d/2, .5, d/(d+t*t)))
}

func negLog10(p float64) float64 {
	if !(p > 0) {
		return maxLog10
	}
	return min(maxLog10, -math.Log10(p))
}

// A tail maps a group's statistic to -log10 of its p-value. The zero value is not of
// use; see newTail.
type tail struct {
	kind  tailKind
	nu    float64 // chi-squared's degrees of freedom
	count float64 // log10 of twice the number of coordinates, Bonferroni's share
	below float64 // denominator's degrees of freedom
	table []float64
}

type tailKind uint8

const (
	tailChi tailKind = iota
	tailNormal
	tailFisher
	tailStudent
	tailShape     // chi-squared with shapeOrder degrees of freedom
	tailShapeOver // the same over an estimated spread
	tailNone      // never small: the window is too short to test
)

// The table's grid is uniform in log x from tableLo to tableHi.
const (
	tableSize = 1024
	tableLo   = -4.0
	tableHi   = 12.0
)

// newTail returns the tail of a block's statistic: of max|s|, of the largest sum of s² of
// a channel, or of mean s² with nu degrees of freedom. Given finite denominator degrees
// of freedom it is Student's or Fisher's.
func newTail(b block, nu, denominator float64) tail {
	t := tail{nu: nu, below: denominator}
	limit := math.IsInf(denominator, 1)
	kinds := [2]tailKind{tailFisher, tailChi}
	switch b.group.part() {
	case 1:
		kinds = [2]tailKind{tailStudent, tailNormal}
		t.count = math.Log10(2 * float64(b.width()))
	case shapeOrder:
		kinds = [2]tailKind{tailShapeOver, tailShape}
		t.count = math.Log10(float64(b.width() / shapeOrder))
	}
	t.kind = kinds[0]
	if limit {
		t.kind = kinds[1]
	}
	return t
}

// tabulate trades the incomplete beta function of each call for a table of it.
func (t *tail) tabulate() {
	if t.kind != tailFisher && t.kind != tailStudent && t.kind != tailShapeOver {
		return
	}
	table := make([]float64, tableSize)
	for i := range table {
		table[i] = t.raw(math.Exp(tableLo + (tableHi-tableLo)*float64(i)/(tableSize-1)))
	}
	t.table = table
}

// raw returns -log10 of the p-value of one coordinate or mean square.
func (t *tail) raw(x float64) float64 {
	switch t.kind {
	case tailFisher:
		return fisherTail(x, t.nu, t.below)
	case tailStudent:
		return studentTail(x, t.below)
	case tailNormal:
		return normalTail(x)
	case tailShape:
		return (x/2 - math.Log1p(x/2)) / math.Ln10
	case tailShapeOver:
		return fisherTail(x/shapeOrder, shapeOrder, t.below)
	case tailNone:
		return 0
	}
	return wilsonHilferty(x, t.nu)
}

// of returns -log10 of the p-value of the statistic x, at least 0.
func (t *tail) of(x float64) float64 {
	if t.table == nil {
		return max(0, t.raw(x)-t.count)
	}
	at := (math.Log(max(x, 1e-9)) - tableLo) / (tableHi - tableLo) * (tableSize - 1)
	i := min(max(int(at), 0), tableSize-2)
	f := min(max(at-float64(i), 0), 1)
	return max(0, t.table[i]+f*(t.table[i+1]-t.table[i])-t.count)
}
