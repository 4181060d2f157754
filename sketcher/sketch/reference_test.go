package sketch

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

var update = flag.Bool("update", false, "write golden files that do not exist yet; needs Python")

// input is what testdata/reference.py reads.
type input struct {
	D     int       `json:"d"`
	M     int       `json:"m"`
	Omega [][]int32 `json:"omega"`
	Edges [][]int32 `json:"edges"`
	Q     [][]int32 `json:"q"`
}

// numbers is what it writes; every sum of a test fits in an int64.
type numbers struct {
	Count     int64     `json:"count"`
	A         []int64   `json:"A"`
	B         []int64   `json:"B"`
	Moment1   []int64   `json:"moment1"`
	Moment2   []int64   `json:"moment2"`
	Min       []int32   `json:"min"`
	Max       []int32   `json:"max"`
	Histogram [][]int64 `json:"histogram"`
	Clamped   []int64   `json:"clamped"`
}

func rows[T any](v []T, n int) (r [][]T) {
	for ; len(v) > 0; v = v[n:] {
		r = append(r, v[:n])
	}
	return r
}

func flat[T any](r [][]T) (v []T) {
	for _, x := range r {
		v = append(v, x...)
	}
	return v
}

// fields returns the numbers of a through its encoding's words.
func fields(a *Accumulator) numbers {
	low := func(i, n int) (v []int64) {
		for w := a.words(i, n); len(w) > 0; w = w[2:] {
			v = append(v, w[0])
		}
		return v
	}
	return numbers{
		a.count, low(0, a.features), low(a.indexB(), a.features), low(a.indexMoment1(), a.Dim()), low(a.indexMoment2(), feature.Pairs(a.Dim())),
		a.sums.Min, a.sums.Max, rows(a.sums.Histogram, feature.Bins), a.sums.Clamped,
	}
}

// inputs makes an input whose frequencies and values go to the extremes of int32
// and of q.
func inputs(seed uint64, d, m, n int) input {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := featuretest.Spec(seed, d, m)
	for i := range s.Omega {
		if rng.IntN(8) == 0 {
			s.Omega[i] = int32(rng.Uint32())
		}
	}
	return input{d, m, rows(s.Omega, d), rows(s.Edges, feature.Bins+1), rows(featuretest.Quantised(rng, n, d), d)}
}

// fold sketches an input in uneven parts.
func fold(t testing.TB, in input) *Accumulator {
	t.Helper()
	s := featuretest.Spec(1, in.D, in.M)
	s.Omega, s.Edges = flat(in.Omega), flat(in.Edges)
	m, err := feature.NewMap(s)
	if err != nil {
		t.Fatal(err)
	}
	a := New(m)
	for i := 0; i < len(in.Q); {
		n := min(len(in.Q)-i, 1+i*7%300)
		a.Fold(flat(in.Q[i : i+n]))
		i += n
	}
	return a
}

func python(in input) (out numbers, err error) {
	name := os.Getenv("PHASOR_PYTHON")
	if name == "" {
		name = "python3"
	}
	stdin, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	c := exec.Command(name, filepath.Join("testdata", "reference.py"))
	c.Stdin = bytes.NewReader(stdin)
	c.Stderr = os.Stderr
	stdout, err := c.Output()
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(stdout, &out)
}

func TestAgainstPython(t *testing.T) {
	if _, err := python(inputs(1, 1, 32, 1)); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no python3, and PHASOR_PYTHON is not set")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, shape := range [][3]int{{1, 32, 700}, {2, 64, 300}, {10, 64, 260}, {17, 32, 100}, {128, 32, 9}, {130, 32, 9}} {
		in := inputs(seed, shape[0], shape[1], shape[2])
		want, err := python(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, fields(fold(t, in))); diff != "" {
			t.Errorf("d=%d m=%d n=%d: %s", shape[0], shape[1], shape[2], diff)
		}
	}
}

// The golden numbers came from testdata/reference.py and never change.
func TestGoldenNumbers(t *testing.T) {
	type example struct {
		In   input   `json:"in"`
		Want numbers `json:"want"`
	}
	path := filepath.Join("testdata", "numbers.json")
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		var list []example
		for _, shape := range [][3]int{{1, 32, 300}, {3, 64, 120}, {10, 32, 70}} {
			in := inputs(99, shape[0], shape[1], shape[2])
			want, err := python(in)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, example{in, want})
		}
		b, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	if err := json.Unmarshal(b, &list); err != nil || len(list) < 3 {
		t.Fatal(len(list), err)
	}
	for _, e := range list {
		if diff := cmp.Diff(e.Want, fields(fold(t, e.In))); diff != "" {
			t.Errorf("d=%d m=%d: %s", e.In.D, e.In.M, diff)
		}
	}
}
