package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// psnr is the peak signal to noise ratio in decibels, for a peak of 1.
func psnr(x, truth []float64) float64 {
	return -20 * math.Log10(rmse(x, truth)+1e-12)
}

// ssim is the structural similarity (Wang, Bovik, Sheikh and Simoncelli, IEEE
// Transactions on Image Processing 13, 2004) with windows of 7 by 7 equal
// weights, for a peak of 1.
func ssim(x, y []float64, rows, cols int) float64 {
	const side, c1, c2 = 7, .01 * .01, .03 * .03
	total, count := 0.0, 0.0
	for i := 0; i+side <= rows; i++ {
		for j := 0; j+side <= cols; j++ {
			var mx, my, xx, yy, xy float64
			for a := range side {
				for b := range side {
					p, q := x[(i+a)*cols+j+b], y[(i+a)*cols+j+b]
					mx += p
					my += q
					xx += p * p
					yy += q * q
					xy += p * q
				}
			}
			const n = side * side
			mx, my = mx/n, my/n
			vx, vy, cov := xx/n-mx*mx, yy/n-my*my, xy/n-mx*my
			total += (2*mx*my + c1) * (2*cov + c2) / ((mx*mx + my*my + c1) * (vx + vy + c2))
			count++
		}
	}
	return total / count
}

func TestImageQuality(t *testing.T) {
	x := make([]float64, 100)
	for i := range x {
		x[i] = math.Sin(float64(i))
	}
	if s := ssim(x, x, 10, 10); math.Abs(s-1) > 1e-12 {
		t.Errorf("an image is %v similar to itself", s)
	}
	y := append([]float64(nil), x...)
	for i := range y {
		y[i] += .1
	}
	if p := psnr(y, x); math.Abs(p-20) > 1e-6 {
		t.Errorf("an error of a tenth is %v dB", p)
	}
	if s := ssim(x, y, 10, 10); s >= 1 {
		t.Errorf("a shifted image is %v similar", s)
	}
}

// compare solves the measurements of images by methods, and returns a row of
// the table for each: PSNR and SSIM.
func compare(t *testing.T, out *table, p *Prior, q Problem, methods []Method, test []float64, names map[string]string) map[string]float64 {
	t.Helper()
	rows, cols := p.Shape[0], p.Shape[1]
	out.head("method", "PSNR, dB", "SSIM")
	found := map[string]float64{}
	for _, m := range methods {
		s := mustPrepare(t, m, p, q)
		rng := rand.New(rand.NewPCG(11, 11))
		var ratio, similar float64
		n := float64(len(test) / p.dim)
		for i := 0; i < len(test); i += p.dim {
			x := test[i : i+p.dim]
			a := s.Solve(q.measure(x, rng))
			ratio += psnr(a.X, x) / n
			similar += ssim(a.X, x, rows, cols) / n
		}
		name := m.Name()
		if names[name] != "" {
			name = names[name]
		}
		out.add(name, fmt.Sprintf("%.2f", ratio), fmt.Sprintf("%.3f", similar))
		found[m.Name()] = ratio
	}
	return found
}
