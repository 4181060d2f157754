package score_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/stream/replay"
	"phasor/trainer/generator"
	"phasor/trainer/score"
)

// shared is a folder of data beside the project.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("shared data absent")
		}
		dir = parent
	}
}

// experiment is a file of the benchmark.
type experiment struct {
	name    string
	records []float64
	anomaly []bool
}

func experiments(t *testing.T, folders ...string) []experiment {
	t.Helper()
	feed, err := replay.NewSKAB(shared(t, "skab"), replay.SKABOptions{Folders: folders})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var all []experiment
	for {
		x, _, err := feed.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 || all[len(all)-1].name != feed.File() {
			all = append(all, experiment{name: feed.File()})
		}
		e := &all[len(all)-1]
		e.records = append(e.records, x...)
		odd, _ := feed.Labels()
		e.anomaly = append(e.anomaly, odd)
	}
}

// fitted calibrates on records, folds them and fits a generator.
func fitted(t testing.TB, names []string, x []float64, seed uint64, steps int) (*generator.Model, *sketch.Accumulator) {
	t.Helper()
	d := len(names)
	spec, _, err := feature.Calibrate(x[:min(len(x), 10_000*d)], feature.CalibrateOptions{Names: names, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m, err := feature.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	a, q := sketch.New(m), make([]int32, d)
	for i := 0; i < len(x); i += d {
		if !m.Quantise(q, x[i:i+d]) {
			t.Fatal("a record is not finite")
		}
		a.Fold(q)
	}
	target, err := generator.NewTarget(a)
	if err != nil {
		t.Fatal(err)
	}
	f, err := generator.NewFitter(target, generator.Config{Seed: seed, Steps: steps}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Step(1 << 30); err != nil {
		t.Fatal(err)
	}
	return f.Model(), a
}

// auroc is the probability that an odd record scores above one that is not, with half for a tie.
func auroc(scores []float64, odd []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var sum, yes float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && scores[order[j]] == scores[order[i]] {
			j++
		}
		for _, o := range order[i:j] {
			if odd[o] {
				sum += float64(i+j+1) / 2 // The mean rank, from 1.
				yes++
			}
		}
		i = j
	}
	no := float64(len(scores)) - yes
	return (sum - yes*(yes+1)/2) / (yes * no)
}

var sensors = []string{"Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage", "Volume Flow RateRMS"}

// mahalanobis returns what scores records by their distance from the mean of others in standard deviations.
func mahalanobis(x []float64, d int) func(row []float64) float64 {
	n := len(x) / d
	m := mat.NewDense(n, d, x)
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, m, nil)
	mean := make([]float64, d)
	for i, v := range x {
		mean[i%d] += v / float64(n)
	}
	var chol mat.Cholesky
	for k := range d {
		cov.SetSym(k, k, cov.At(k, k)*(1+1e-6)+1e-12)
	}
	if !chol.Factorize(&cov) {
		panic("a covariance without a factor")
	}
	return func(row []float64) float64 {
		return stat.Mahalanobis(mat.NewVecDense(d, slices.Clone(row)), mat.NewVecDense(d, mean), &chol)
	}
}

// The scores of the benchmark's records against its labels, file by file. The model is that of the run without
// anomalies; beside it stands the one that the benchmark's own protocol asks for, of the first 400 rows of each file,
// which are not scored then.
func TestSensorAnomaliesScoreHigher(t *testing.T) {
	if os.Getenv("PHASOR_LONG") == "" {
		t.Skip("about a minute and a half: set PHASOR_LONG=1")
	}
	const first = 400
	free := experiments(t, "anomaly-free")[0]
	d := len(sensors)
	m, a := fitted(t, sensors, free.records, 1, 4000)
	scorer, err := score.New(m, a.Map().Spec(), a.Phasor(nil), score.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	plain := mahalanobis(free.records, d)
	var sums [8]float64
	t.Logf("%-16s model of the run without anomalies          model of the first %d rows", "", first)
	t.Logf("%-16s density distance odd    Mahalanobis      density distance odd    Mahalanobis", "file")
	files := experiments(t, "other", "valve1", "valve2")
	for _, e := range files {
		all := measures(scorer, plain, e.records)
		m, a := fitted(t, sensors, e.records[:first*d], 1, 1000)
		own, err := score.New(m, a.Map().Spec(), a.Phasor(nil), score.Options{Seed: 1, Records: 4096, Calibration: 1024})
		if err != nil {
			t.Fatal(err)
		}
		rest := measures(own, mahalanobis(e.records[:first*d], d), e.records[first*d:])
		var row []any
		for i, v := range append(all, rest...) {
			odd := e.anomaly
			if i >= len(all) {
				odd = odd[first:]
			}
			area := auroc(v, odd)
			sums[i] += area / float64(len(files))
			row = append(row, area)
		}
		t.Logf("%-16s "+columns, append([]any{e.name}, row...)...)
	}
	var row []any
	for _, v := range sums {
		row = append(row, v)
	}
	t.Logf("%-16s "+columns, append([]any{"mean of files"}, row...)...)
	if sums[2] < .8 {
		t.Errorf("the mean area under the curve is %.3f", sums[2])
	}
}

const columns = "%.3f   %.3f    %.3f  %.3f            %.3f   %.3f    %.3f  %.3f"

// measures returns the four measures of records, the odder the higher.
func measures(s *score.Scorer, plain func([]float64) float64, x []float64) [][]float64 {
	d := s.Dim()
	scores, out := make([]score.Score, len(x)/d), make([][]float64, 4)
	s.Score(scores, x)
	for i, v := range scores {
		for k, w := range []float64{-v.Density, v.Distance, v.Odd, plain(x[i*d : (i+1)*d])} {
			out[k] = append(out[k], w)
		}
	}
	return out
}
