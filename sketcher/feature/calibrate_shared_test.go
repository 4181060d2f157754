package feature

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sharedData returns the folder of the real data sets beside the project.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("shared data absent")
		}
		dir = up
	}
	data := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("shared data absent")
	}
	return data
}

// readColumns reads numbers from a table with a header, d columns from the
// skip-th field on.
func readColumns(t *testing.T, path string, comma rune, skip, d int) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skip("shared data absent")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord = comma, -1
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	var x []float64
	for {
		row, err := r.Read()
		if err == io.EOF {
			return x
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range row[skip : skip+d] {
			v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil {
				t.Fatal(err)
			}
			x = append(x, v)
		}
	}
}

func logReport(t *testing.T, rep *Report) {
	t.Helper()
	t.Logf("%d records, radii [%.3g, %.3g], health %.3g, %d rotations, %d components", rep.Records, rep.R0, rep.R1, rep.Health, rep.Rotations, rep.Components)
	for _, c := range rep.Channels {
		t.Logf("%+v", c)
	}
	for _, w := range rep.Warnings {
		t.Log(w)
	}
}

func TestCalibrateSKAB(t *testing.T) {
	x := readColumns(t, filepath.Join(sharedData(t), "skab", "data", "anomaly-free", "anomaly-free.csv"), ';', 1, 8)
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(8), Seed: 1})
	logReport(t, rep)
	if rep.Health < healthy || rep.R0 < .2 || rep.R0 > 1 || rep.R1 < 2 || rep.R1 > lumpyRadius || rep.Components != maxComponents {
		t.Errorf("radii [%g, %g], health %g, %d components", rep.R0, rep.R1, rep.Health, rep.Components)
	}
	checkStoredAtoms(t, spec, x)
}

func TestCalibrateOccupancy(t *testing.T) {
	// Fields: date, temperature, humidity, light, CO2, humidity
	// ratio, occupancy.
	x := readColumns(t, filepath.Join(sharedData(t), "occupancy", "datatraining.txt"), ',', 1, 6)
	spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: []string{"temperature", "humidity", "light", "co2", "ratio", "occupancy"}, Seed: 1})
	logReport(t, rep)
	if c := rep.Channels[5]; c.Kind != Discrete || c.Atoms != 2 {
		t.Errorf("occupancy: %+v", c)
	}
	if rep.Health < healthy || rep.R1 > lumpyRadius {
		t.Errorf("radii [%g, %g], health %g", rep.R0, rep.R1, rep.Health)
	}
	checkStoredAtoms(t, spec, x)
}

// checkStoredAtoms counts values by a map and holds that the most frequent one
// of each channel has a bin that stands for it.
func checkStoredAtoms(t *testing.T, spec *Spec, x []float64) {
	t.Helper()
	p := quantisedBy(t, spec, x)
	for k, c := range spec.Channels {
		count := map[int32]int{}
		for i := range p.n {
			count[p.row(i)[k]]++
		}
		var most int32
		for q, n := range count {
			if n > count[most] || n == count[most] && q < most {
				most = q
			}
		}
		if count[most] < atomRecords || float64(count[most]) < atomShare*float64(p.n) {
			continue
		}
		edges := (*[Bins + 1]int32)(spec.Edges[k*(Bins+1):])
		if got := spec.Values[k*Bins+binOf(edges, most)]; got != most {
			t.Errorf("channel %s: %d records at %d, whose bin stands for %d", c.Name, count[most], most, got)
		}
	}
}
