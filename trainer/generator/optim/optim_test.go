package optim

import (
	"math"
	"testing"
)

// TestAdamAgainstDoublePrecision follows the recursion in float64.
func TestAdamAgainstDoublePrecision(t *testing.T) {
	a := NewAdam(3)
	w := []float32{1, -2, 3}
	ref := []float64{1, -2, 3}
	var m, v [3]float64
	for step := 1; step <= 200; step++ {
		g := make([]float32, 3)
		for i := range g {
			g[i] = float32(ref[i]) * float32(i+1)
		}
		for i := range ref {
			x := float64(g[i])
			m[i] = 0.9*m[i] + 0.1*x
			v[i] = 0.99*v[i] + 0.01*x*x
			mh := m[i] / (1 - math.Pow(0.9, float64(step)))
			vh := v[i] / (1 - math.Pow(0.99, float64(step)))
			ref[i] -= 0.01 * mh / (math.Sqrt(vh) + 1e-8)
		}
		a.Update(w, g, 0.01)
	}
	for i := range ref {
		if math.Abs(float64(w[i])-ref[i]) > 1e-4 {
			t.Errorf("weight %d: %g, want %g", i, w[i], ref[i])
		}
	}
}

func TestAdamMinimises(t *testing.T) {
	a := NewAdam(2)
	w := []float32{5, -3}
	for s := range 2000 {
		g := []float32{2 * (w[0] - 1), 20 * (w[1] - 2)}
		a.Update(w, g, Cosine{Start: 0.05, End: 0.0005, To: 2000}.At(s))
	}
	if math.Abs(float64(w[0])-1) > 1e-2 || math.Abs(float64(w[1])-2) > 1e-2 {
		t.Errorf("ended at %v, want [1 2]", w)
	}
}

func TestCosine(t *testing.T) {
	c := Cosine{Start: 1, End: 0.01, From: 0, To: 1000}
	if c.At(0) != 1 || c.At(1000) != 0.01 || c.At(5000) != 0.01 {
		t.Errorf("ends: %v, %v, %v", c.At(0), c.At(1000), c.At(5000))
	}
	if got := c.At(500); math.Abs(got-0.505) > 1e-12 {
		t.Errorf("middle: %v", got)
	}
	short := c.Retarget(400, 600)
	if short.At(400) != c.At(400) || short.At(600) != 0.01 {
		t.Errorf("retargeted: %v to %v, want %v to 0.01", short.At(400), short.At(600), c.At(400))
	}
	for s := 400; s < 600; s++ {
		if short.At(s+1) > short.At(s) {
			t.Fatalf("rate rises at step %d", s)
		}
	}
}

func TestUnequalLengthsPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"Update": func() { NewAdam(2).Update(make([]float32, 2), make([]float32, 3), 1) },
	} {
		func() {
			defer func() {
				if recover() != ErrShape {
					t.Errorf("%s did not panic with ErrShape", name)
				}
			}()
			f()
		}()
	}
}
