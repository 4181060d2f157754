package drift

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v within %v", what, got, want, tolerance)
	}
}

func TestNormalTail(t *testing.T) {
	for _, z := range []float64{-3, 0, 1, 5, 12, 24} {
		want := -math.Log10(distuv.UnitNormal.Survival(z))
		near(t, "normal tail", normalTail(z), want, 1e-9*max(1, want))
	}
	// The asymptotic branch continues the exact one.
	near(t, "tail at the seam", normalTail(25), normalTail(math.Nextafter(25, 0)), 1e-6)
	if normalTail(40) <= normalTail(39) || math.IsInf(normalTail(1e9), 0) {
		t.Error("the far tail is not finite and increasing")
	}
}

func TestWilsonHilfertyAgreesWithChiSquared(t *testing.T) {
	for _, nu := range []float64{5, 12, 32, 80} {
		law := distuv.ChiSquared{K: nu}
		for _, p := range []float64{.5, .05, .01, 1e-4} {
			x := law.Quantile(1-p) / nu
			near(t, "-log10 p", wilsonHilferty(x, nu), -math.Log10(p), .03*max(1, -math.Log10(p)))
		}
	}
}

func TestFisherAndStudentTails(t *testing.T) {
	for _, d := range []float64{2, 4.5, 30} {
		for _, n := range []float64{8, 31.4} {
			law := distuv.F{D1: n, D2: d}
			for _, x := range []float64{.3, 1, 2, 6} {
				near(t, "F", fisherTail(x, n, d), -math.Log10(law.Survival(x)), 1e-8)
			}
		}
		law := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: d}
		for _, x := range []float64{0, .4, 2, 7} {
			near(t, "t", studentTail(x, d), -math.Log10(law.Survival(x)), 1e-8)
		}
	}
}

func TestTabulatedTailInterpolates(t *testing.T) {
	f := newTail(block{GroupS, 0, 20}, 12, 9)
	s := newTail(block{GroupCM, 0, 8}, 0, 9)
	f.tabulate()
	s.tabulate()
	for x := .05; x < 40; x *= 1.21 {
		near(t, "F from the table", f.of(x), fisherTail(x, 12, 9), .002)
		near(t, "t from the table", s.of(x), max(0, studentTail(x, 9)-math.Log10(16)), .002)
	}
	if f.of(0) < 0 || s.of(0) != 0 || math.IsInf(f.of(1e300), 0) {
		t.Error("the ends of the table are not finite")
	}
}

// A tail of fewer degrees of freedom must not call anything rarer than the limit does.
func TestSoftTailIsHeavier(t *testing.T) {
	for _, x := range []float64{1.5, 2, 4, 8} {
		soft, hard := newTail(block{GroupS, 0, 20}, 12, 4), newTail(block{GroupS, 0, 20}, 12, math.Inf(1))
		if soft.of(x) > hard.of(x) {
			t.Errorf("F at %v: -log10 p %v is above chi-squared's %v", x, soft.of(x), hard.of(x))
		}
	}
}
