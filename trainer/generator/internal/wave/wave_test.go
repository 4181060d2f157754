package wave

import (
	"math"
	"testing"
)

func TestTurnsAgainstDoublePrecision(t *testing.T) {
	var in []float32
	for v := -3.0; v < 3; v += 1e-5 {
		in = append(in, float32(v))
	}
	for _, v := range []float64{0, 0.25, -0.25, 0.5, -0.5, 1000.125, -4096.375, 100000.5} {
		in = append(in, float32(v))
	}
	c, s := make([]float32, len(in)), make([]float32, len(in))
	sumCos, sumSin := Turns(c, s, in)
	var worst, wantCos, wantSin float64
	for i, v := range in {
		sin, cos := math.Sincos(2 * math.Pi * math.Mod(float64(v), 1))
		worst = max(worst, math.Abs(float64(c[i])-cos), math.Abs(float64(s[i])-sin))
		wantCos, wantSin = wantCos+cos, wantSin+sin
	}
	if worst > 6e-7 {
		t.Errorf("largest error %.2g, want at most 6e-7", worst)
	}
	if d := max(math.Abs(float64(sumCos)-wantCos), math.Abs(float64(sumSin)-wantSin)); d > 1 {
		t.Errorf("sums off by %.2g", d)
	}
}

func TestTurnsOfInfinityAndNaN(t *testing.T) {
	in := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	c, s := make([]float32, 3), make([]float32, 3)
	Turns(c, s, in)
	for i := range in {
		if c[i] == c[i] || s[i] == s[i] {
			t.Errorf("phase %v gives %v, %v: a diverged fit must not look finite", in[i], c[i], s[i])
		}
	}
}

func TestTanhAgainstDoublePrecision(t *testing.T) {
	worst, at := 0.0, 0.0
	for v := -12.0; v < 12; v += 1e-5 {
		x := []float32{float32(v)}
		want := math.Tanh(float64(x[0]))
		Tanh(x)
		if d := math.Abs(float64(x[0]) - want); d > worst {
			worst, at = d, v
		}
	}
	if worst > 2e-7 {
		t.Errorf("largest error %.2g at %g, want at most 2e-7", worst, at)
	}
	edge := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 3e38, 0}
	Tanh(edge)
	if edge[0] == edge[0] || edge[1] != 1 || edge[2] != -1 || edge[3] != 1 || edge[4] != 0 {
		t.Errorf("tanh of NaN, +Inf, -Inf, 3e38, 0: %v", edge)
	}
}

func BenchmarkTurns(b *testing.B) {
	t, c, s := make([]float32, 4096), make([]float32, 4096), make([]float32, 4096)
	for i := range t {
		t[i] = float32(i*i%977) * .0131
	}
	for b.Loop() {
		Turns(c, s, t)
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/4096, "ns/phase")
}

func BenchmarkTanh(b *testing.B) {
	x := make([]float32, 4096)
	for i := range x {
		x[i] = float32(i%97)*.0131 - .6
	}
	for b.Loop() {
		Tanh(x)
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/4096, "ns/unit")
}
