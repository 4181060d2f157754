package inverse

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"phasor/stream/replay"
)

// skab returns the rows of the experiment without anomalies, in random order.
func skab(t *testing.T) [][]float64 {
	feed, err := replay.NewSKAB(shared(t, "skab"), replay.SKABOptions{Folders: []string{"anomaly-free"}})
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for {
		x, _, err := feed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(x))
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

// neighbours is the mean of the ten nearest training rows.
func neighbours(train []float64, d int, seen []int, y []float64) []float64 {
	distances := make([]float64, len(train)/d)
	for i := range distances {
		for j, k := range seen {
			e := train[i*d+k] - y[j]
			distances[i] += e * e
		}
	}
	x, count := make([]float64, d), 0
	reach := smallest(distances, 9)
	for i, e := range distances {
		if e <= reach {
			axpy(1, train[i*d:(i+1)*d], x)
			count++
		}
	}
	scale(x, 1/float64(count))
	return x
}

// Missing sensors of a water circulation loop: 4,700 rows are calibrated on and
// sketched, others are tested. Only the neighbours and the mixture, which is
// fitted to the rows, keep the rows.
func TestMissingChannels(t *testing.T) {
	rows := skab(t)
	const d, n = 8, 4700
	train, test := slices.Concat(rows[:n]...), slices.Concat(rows[n:n+sized(1500, 60)]...)
	g, spec, _ := fit(t, train, d, fitOptions{features: sized(2048, 1024), steps: sized(8000, 500), subset: sized(500, 256), radius: [2]float64{.3, 10}, full: true})
	mean, cov := moments(mat.NewDense(n, d, slices.Clone(train)))
	// All errors are in units of the training rows' standard deviations.
	standard := func(x []float64) []float64 {
		y := slices.Clone(x)
		for i := range y {
			y[i] = (y[i] - mean[i%d]) / math.Sqrt(cov.At(i%d, i%d))
		}
		return y
	}
	units, offset := mat.NewDense(d, d, nil), make([]float64, d)
	for k := range d {
		sd := math.Sqrt(cov.At(k, k))
		units.Set(k, k, 1/(spec.Scale[k]*sd))
		offset[k] = (spec.Offset[k] - mean[k]) / sd
	}
	train, test = standard(train), standard(test)
	p := mustPrior(t, NewAffine(g, units, offset), sized(20000, 5000), 5)
	m, c := moments(mat.NewDense(n, d, slices.Clone(train)))
	p = p.WithMoments(m, c)
	mixture, err := FitMixture(train, d, sized(10, 3), 1)
	if err != nil {
		t.Fatal(err)
	}
	slow := sized(100, 8) * d // Numbers of the rows that the latent search sees.
	names := []string{"mean", "Gaussian", "10 nearest rows", "mixture of the rows", "latent search (100 rows)", "sampling", "recommended"}
	out := &table{}
	out.head(append([]string{"missing of 8"}, names...)...)
	for _, missing := range sized([]int{1, 2, 4}, []int{2}) {
		e := make([]float64, len(names))
		counts := make([]float64, len(names))
		for rep := range sized(6, 1) {
			perm := rand.New(rand.NewPCG(uint64(rep), 5)).Perm(d)
			lost, seen := perm[:missing], perm[missing:]
			slices.Sort(seen)
			q := Problem{Mask(d, seen), White(.03)}
			r, err := Recommend(p, q, []Method{Sampling{}}, RecommendOptions{Coordinates: lost})
			if err != nil {
				t.Fatal(err)
			}
			gaussian, mixed := mustPrepare(t, Gaussian{}, p, q), mustPrepare(t, mixture, p, q)
			latent, sampling := mustPrepare(t, Latent{Steps: 150}, p, q), mustPrepare(t, Sampling{}, p, q)
			for i := 0; i < len(test); i += d {
				x := test[i : i+d]
				y := make([]float64, len(seen))
				q.A.Apply(y, x)
				for j, solve := range []func() []float64{
					func() []float64 { return p.mean },
					func() []float64 { return gaussian.Solve(y).X },
					func() []float64 { return neighbours(train, d, seen, y) },
					func() []float64 { return mixed.Solve(y).X },
					func() []float64 { return latent.Solve(y).X },
					func() []float64 { return sampling.Solve(y).X },
					func() []float64 { return r.Solve(y).X },
				} {
					if j == 4 && i >= slow {
						continue
					}
					z := solve()
					for _, k := range lost {
						e[j] += (z[k] - x[k]) * (z[k] - x[k])
						counts[j]++
					}
				}
			}
		}
		row := []string{fmt.Sprint(missing)}
		for j := range e {
			e[j] = math.Sqrt(e[j] / counts[j])
			row = append(row, fmt.Sprintf("%.3f", e[j]))
		}
		out.add(row...)
		best := min(e[1], e[2], e[3])
		t.Logf("%d missing: sampling over the best of the others: %.3f", missing, e[5]/best)
		if e[5] > sized(1.02, 1.15)*best {
			t.Errorf("%d missing: error %.3f, the best of the others %.3f", missing, e[5], best)
		}
	}
	out.show(t)
}
