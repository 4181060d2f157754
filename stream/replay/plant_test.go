package replay

import (
	"io"
	"math"
	"testing"
	"time"
)

func mustPlant(t testing.TB, c PlantConfig) *Plant {
	t.Helper()
	p, err := NewPlant(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rows collects n rows by channel.
func rows(t testing.TB, p *Plant, n int) [8][]float64 {
	t.Helper()
	var out [8][]float64
	for range n {
		x, _, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range x {
			out[k] = append(out[k], v)
		}
	}
	return out
}

func moments(v []float64) (mean, variance, skew, kurtosis float64) {
	n := float64(len(v))
	for _, x := range v {
		mean += x / n
	}
	var m2, m3, m4 float64
	for _, x := range v {
		d := x - mean
		m2 += d * d / n
		m3 += d * d * d / n
		m4 += d * d * d * d / n
	}
	return mean, m2, m3 / math.Pow(m2, 1.5), m4/(m2*m2) - 3
}

func correlation(a, b []float64, lag int) float64 {
	ma, va, _, _ := moments(a)
	mb, vb, _, _ := moments(b)
	var c float64
	for i := lag; i < len(a); i++ {
		c += (a[i] - ma) * (b[i-lag] - mb)
	}
	return c / float64(len(a)-lag) / math.Sqrt(va*vb)
}

const plantRows = 200000

func TestPlantStatistics(t *testing.T) {
	const seed = 21
	t.Logf("seed %d", seed)
	v := rows(t, mustPlant(t, PlantConfig{Seed: seed}), plantRows)
	for k, name := range plantChannels {
		mean, variance, skew, kurtosis := moments(v[k])
		t.Logf("%-14s mean %8.3f sd %7.3f skew %6.2f kurtosis %6.2f r(1) %.2f r(32) %.2f r(200) %.2f",
			name, mean, math.Sqrt(variance), skew, kurtosis, correlation(v[k], v[k], 1), correlation(v[k], v[k], 32), correlation(v[k], v[k], 200))
		if r := correlation(v[k], v[k], 1); r < 0.5 {
			t.Errorf("%s: autocorrelation %.2f of the next row", name, r)
		}
		if r := correlation(v[k], v[k], 200); math.Abs(r) > 0.05 {
			t.Errorf("%s: autocorrelation %.2f at 200 rows, beyond the longest factor", name, r)
		}
	}
	if _, _, skew, kurtosis := moments(v[3]); skew < 0.5 || kurtosis < 0.5 {
		t.Errorf("vibration is not heavy-tailed: skew %.2f, kurtosis %.2f", skew, kurtosis)
	}
	if _, _, skew, _ := moments(v[1]); skew > -0.3 {
		t.Errorf("pressure is not skewed: %.2f", skew)
	}
	if _, _, _, kurtosis := moments(v[5]); kurtosis > -1 {
		t.Errorf("speed is not bimodal: kurtosis %.2f", kurtosis)
	}
	if _, _, _, kurtosis := moments(v[6]); kurtosis > -0.6 {
		t.Errorf("level is not flat-topped: kurtosis %.2f", kurtosis)
	}
	if r := correlation(v[2], v[4], 0); r < 0.5 {
		t.Errorf("flow and current correlate by %.2f", r)
	}
	steps := map[float64]bool{}
	for i, x := range v[7] {
		if math.Mod(x, 5) != 0 || x < 0 || x > 100 {
			t.Fatalf("valve at %v in row %d", x, i)
		}
		steps[x] = true
	}
	if len(steps) < 8 {
		t.Errorf("the valve has %d positions only", len(steps))
	}
}

func TestPlantChange(t *testing.T) {
	const seed = 22
	t.Logf("seed %d", seed)
	at := 100 * time.Second
	normal := rows(t, mustPlant(t, PlantConfig{Seed: seed, Rate: 500}), plantRows)
	p := mustPlant(t, PlantConfig{Seed: seed, Rate: 500, Changes: []time.Duration{at, 300 * time.Second}})
	first, last := p.Changes()[0], p.Changes()[1]
	if first != 50000 || last != 150000 || p.Time(first) != at.Milliseconds() {
		t.Fatalf("changes at rows %v, the first at %d ms", p.Changes(), p.Time(first))
	}
	v := rows(t, p, plantRows)
	changed := map[int]bool{0: true, 1: true, 3: true, 4: true}
	for k := range v {
		for i := range v[k] {
			want := changed[k] && int64(i) >= first && int64(i) < last
			if differs := v[k][i] != normal[k][i]; differs != want {
				t.Fatalf("%s, row %d: differs from the plant without changes: %v, want %v", plantChannels[k], i, differs, want)
			}
		}
	}
	part := func(k int) []float64 { return v[k][first:last] }
	for k, shift := range map[int]float64{0: 6, 1: -0.6} {
		before, variance, _, _ := moments(normal[k])
		after, _, _, _ := moments(part(k))
		if math.Abs(after-before-shift) > 0.1*math.Abs(shift) || math.Abs(shift) < math.Sqrt(variance) {
			t.Errorf("%s: mean %.3f before, %.3f after, sd %.3f, want a shift of %v", plantChannels[k], before, after, math.Sqrt(variance), shift)
		}
	}
	m0, v0, _, _ := moments(normal[3])
	m1, v1, _, _ := moments(part(3))
	if math.Abs(m1/m0-1) > 0.05 || v1/v0 < 3 {
		t.Errorf("vibration: mean %.2f and %.2f, variance %.3f and %.3f", m0, m1, v0, v1)
	}
	if a, b := correlation(normal[2], normal[4], 0), correlation(part(2), part(4), 0); a < 0.5 || b > -0.5 {
		t.Errorf("flow and current correlate by %.2f, in the fault by %.2f", a, b)
	}
	m0, v0, _, _ = moments(normal[4])
	m1, v1, _, _ = moments(part(4))
	if math.Abs(m1-m0) > 0.2 || math.Abs(v1/v0-1) > 0.1 {
		t.Errorf("current: mean %.2f and %.2f, variance %.2f and %.2f, want the same", m0, m1, v0, v1)
	}
}

func TestPlantIsAFunctionOfTheRow(t *testing.T) {
	c := PlantConfig{Seed: 5, Changes: []time.Duration{time.Second}, Start: 1000, Rows: 3000}
	v := rows(t, mustPlant(t, c), 3000)
	p := mustPlant(t, c)
	for _, i := range []int64{2999, 0, 1, 1000, 999, 64, 63, 128, 7, 8, 2500, 2501} {
		p.SkipTo(i)
		x, ms, err := p.Next()
		if err != nil || ms != 1000+i {
			t.Fatalf("row %d: time %d, %v", i, ms, err)
		}
		for k := range x {
			if x[k] != v[k][i] {
				t.Fatalf("row %d: %s is %v, in order it was %v", i, plantChannels[k], x[k], v[k][i])
			}
		}
	}
	p.SkipTo(3000)
	if _, _, err := p.Next(); err != io.EOF {
		t.Errorf("after the last row: %v", err)
	}
	c.Seed = 6
	other := rows(t, mustPlant(t, c), 100)
	if other[0][0] == v[0][0] || other[3][50] == v[3][50] {
		t.Error("another seed gives the same rows")
	}
}

func TestPlantConfigErrors(t *testing.T) {
	for _, c := range []PlantConfig{
		{Rate: -1}, {Rate: math.NaN()}, {Rate: math.Inf(1)}, {Rows: -1},
		{Changes: []time.Duration{-1}}, {Changes: []time.Duration{2, 1}}, {Changes: []time.Duration{1, 1}},
	} {
		if _, err := NewPlant(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestPlantDoesNotAllocate(t *testing.T) {
	p := mustPlant(t, PlantConfig{Changes: []time.Duration{time.Second}})
	if n := testing.AllocsPerRun(2000, func() { p.Next() }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func BenchmarkPlant(b *testing.B) {
	p := mustPlant(b, PlantConfig{Seed: 1, Changes: []time.Duration{time.Second}})
	b.ReportAllocs()
	for b.Loop() {
		p.Next()
	}
}
