package replay

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// shared is the folder of public data beside the project's root.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if _, err := os.Stat(path); err != nil {
				t.Skip("shared data absent")
			}
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("shared data absent")
		}
		dir = up
	}
}

func TestSKAB(t *testing.T) {
	dir := shared(t, "skab")
	for _, at := range []string{dir, filepath.Join(dir, "data")} {
		s, err := NewSKAB(at, SKABOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Files()); n != 35 {
			t.Errorf("%d files, want 35", n)
		}
		if got := s.Channels(); len(got) != 8 || got[0] != "Accelerometer1RMS" || got[7] != "Volume Flow RateRMS" {
			t.Errorf("channels %q", got)
		}
		rows, anomalies, changes := map[string]int{}, 0, 0
		total := 0
		for {
			x, ms, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if total == 0 && (ms != 1581168647000 || x[0] != 0.202394 || x[7] != 122.664) {
				t.Errorf("the first row is %v at %d", x, ms)
			}
			if len(x) != 8 {
				t.Fatalf("%d values", len(x))
			}
			rows[s.File()]++
			total++
			anomaly, change := s.Labels()
			if anomaly {
				anomalies++
			}
			if change {
				changes++
			}
		}
		if total != 46806 || anomalies != 13067 || changes != 129 {
			t.Errorf("%d rows, %d of anomalies, %d change points, want 46806, 13067, 129", total, anomalies, changes)
		}
		if rows["anomaly-free/anomaly-free.csv"] != 9405 || rows["valve2/3.csv"] != 995 {
			t.Errorf("rows by file: %v", rows)
		}
	}
}

func TestSKABRestamped(t *testing.T) {
	dir := shared(t, "skab")
	s, err := NewSKAB(dir, SKABOptions{Step: time.Second, Start: 5000, Folders: []string{"valve2"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(4312) {
		if _, ms, err := s.Next(); err != nil || ms != 5000+1000*i {
			t.Fatalf("row %d at %d: %v", i, ms, err)
		}
	}
	if _, _, err := s.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestSKABOrderAndErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewSKAB(dir, SKABOptions{}); err == nil {
		t.Error("an empty folder is accepted")
	}
	header := "datetime;Accelerometer1RMS;Accelerometer2RMS;Current;Pressure;Temperature;Thermocouple;Voltage;Volume Flow RateRMS;anomaly;changepoint\n"
	if err := os.MkdirAll(filepath.Join(dir, "valve1"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"10", "2", "0"} {
		text := header + "2020-03-09 10:14:33;1;2;3;4;5;6;7;" + name + ";1.0;0.0\n"
		if err := os.WriteFile(filepath.Join(dir, "valve1", name+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := NewSKAB(dir, SKABOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var order []float64
	for {
		x, _, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, x[7])
		if anomaly, change := s.Labels(); !anomaly || change {
			t.Errorf("labels %v %v", anomaly, change)
		}
	}
	if !slices.Equal(order, []float64{0, 2, 10}) {
		t.Errorf("files in the order %v", order)
	}
	if _, err := NewSKAB(dir, SKABOptions{Folders: []string{"valve3"}}); err == nil {
		t.Error("an unknown folder is accepted")
	}
	if _, err := NewSKAB(dir, SKABOptions{Step: -1}); err == nil {
		t.Error("a negative step is accepted")
	}
}
