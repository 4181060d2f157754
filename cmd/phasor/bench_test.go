package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"phasor/sketcher/feature"
)

// The broker of a benchmark is the program itself, which under test is the test.
func init() {
	if len(os.Args) == 3 && os.Args[1] == "bench" && os.Args[2] == "--broker" {
		main()
	}
}

// runBench runs the command and returns what it prints.
func runBench(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(t.Context(), append([]string{"bench"}, args...), strings.NewReader(""), &out, &log)
	return out.String(), log.String(), err
}

// benchUnits are the units that a figure of each last part of a name may have.
var benchUnits = map[string]string{
	"fma": fmaSecond, "time": nsRecord, "limit": ofLimit, "slots": ofSlots, "moments": overKernel, "allocations": allocs, "cpu": cpuRecord,
	"merge": usMerge, "encode": usEncoding, "save": msSave,
}

func TestBenchMeasuresEverything(t *testing.T) {
	dir := t.TempDir()
	stdout, stderr, err := runBench(t, "--quick", "--runs", "2", "--json", "--dir", dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	if strings.Count(stdout, "\n") != 1 || !strings.HasSuffix(stdout, "\n") {
		t.Errorf("--json printed other than one line: %q", stdout)
	}
	var r benchReport
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Machine.Cores < 1 || r.Machine.Go == "" || !slices.Contains(r.Machine.Kernels, r.Machine.Kernel) {
		t.Errorf("the machine is %+v", r.Machine)
	}
	var names []string
	for _, f := range r.Figures {
		names = append(names, f.Name)
		want, ok := benchUnits[f.Name[strings.LastIndex(f.Name, "/")+1:]]
		if strings.HasPrefix(f.Name, "fit/") {
			want, ok = msStep, true
		}
		if !ok {
			want = perSecond
		}
		if f.Unit != want {
			t.Errorf("%s is in %q, want %q", f.Name, f.Unit, want)
		}
		_, counted := cpuTime()
		if wall := !counted || slices.Contains([]string{"fetch", "pipeline", "save"}, f.Name); wall != (f.Clock == "wall") || !wall && f.Clock != "cpu" {
			t.Errorf("%s goes by the clock %q", f.Name, f.Clock)
		}
		if f.Runs != r.Runs || f.Runs < 2 || !(f.Min <= f.Value && f.Value <= f.Max) {
			t.Errorf("%+v: the median of %d runs must lie between its extremes", f, r.Runs)
		}
		// Decoders do not allocate, but what runs beside them may; the cost of moments is a difference.
		if f.Unit != overKernel && f.Unit != allocs && f.Min <= 0 || f.Unit == allocs && (f.Value < 0 || f.Value > 0.01) {
			t.Errorf("%+v is no measurement", f)
		}
	}
	if want := expectedFigures(); !slices.Equal(names, want) {
		t.Errorf("figures\n%q, want\n%q", names, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v was left behind, %v", left, err)
	}
}

func expectedFigures() []string {
	var names []string
	add := func(name string, suffixes ...string) {
		names = append(names, name)
		for _, s := range suffixes {
			names = append(names, name+"/"+s)
		}
	}
	kernel := []string{"time"}
	if feature.MultiplyAdds(1) > 0 {
		add("fma")
		kernel = append(kernel, "limit", "slots")
	}
	for _, d := range []int{2, 10, 38, 64} {
		for _, m := range []int{128, 1024, 4096} {
			add(fmt.Sprintf("kernel/d=%d/m=%d", d, m), kernel...)
		}
	}
	for _, k := range feature.Kernels() {
		add("kernel/"+k+"/d=10/m=1024", kernel...)
	}
	for _, d := range []int{2, 10, 38, 64} {
		add(fmt.Sprintf("fold/d=%d/m=1024", d), "time", "moments")
	}
	for _, f := range []string{"json/flat", "json/nested", "csv", "float64", "avro", "protobuf"} {
		add("decode/"+f, "time", "allocations")
	}
	add("fit/default")
	add("fit/batch=1024/subset=1024/hidden=128")
	var cpu []string
	if _, ok := cpuTime(); ok {
		cpu = []string{"cpu"}
	}
	add("fetch", cpu...)
	add("pipeline", cpu...)
	add("merge")
	add("encode")
	add("save")
	return names
}

func TestBenchOnlyWhatIsNamed(t *testing.T) {
	stdout, stderr, err := runBench(t, "--quick", "--runs", "2", "--only", "decode/json,merge")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	_, table, _ := strings.Cut(stdout, "\n\n")
	var names []string
	for line := range strings.Lines(table) {
		names = append(names, strings.Fields(line)[0])
	}
	if want := []string{"decode/json/flat", "decode/json/nested", "merge"}; !slices.Equal(names, want) {
		t.Errorf("the table has lines of %q, want %q:\n%s", names, want, stdout)
	}
	if !strings.Contains(stdout, "medians of 2 runs") || strings.Contains(stdout, "limit") {
		t.Errorf("%s", stdout)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, args := range [][]string{{"--only", "json"}, {"--only", "merge,kern"}, {"--runs", "-1"}, {"--dir", "no/such/folder"}} {
		stdout, stderr, err := runBench(t, args...)
		if exitCode(err) != 2 || stdout != "" || !strings.Contains(stderr, args[0]) {
			t.Errorf("%q: exit code %d, %q, %q", args, exitCode(err), stdout, stderr)
		}
	}
}

func TestTakeTurns(t *testing.T) {
	order := ""
	part := func(name string, work float64) *timed {
		return &timed{do: func() (float64, error) {
			order += name
			time.Sleep(time.Millisecond)
			return work, nil
		}}
	}
	a, b := part("a", 2), part("b", 6)
	for range 2 { // The second time starts from nothing.
		order = ""
		if err := takeTurns(t.Context(), wallClock, 5*time.Millisecond, a, b); err != nil {
			t.Fatal(err)
		}
		n := strings.Count(order, "ab")
		if n == 0 || order != strings.Repeat("ab", n) || a.work != 2*float64(n) || b.work != 6*float64(n) {
			t.Errorf("turns %s, work %v and %v", order, a.work, b.work)
		}
		if a.seconds < 0.005 || b.rate()*b.cost() < 0.999 || b.rate()*b.cost() > 1.001 {
			t.Errorf("%v s, rate %v, cost %v", a.seconds, b.rate(), b.cost())
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := takeTurns(ctx, wallClock, time.Hour, a); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	if err := takeTurns(t.Context(), wallClock, time.Hour, &timed{do: func() (float64, error) { return 0, broken }}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestFigures(t *testing.T) {
	for want, values := range map[float64][]float64{3: {5, 3, 1}, 2.5: {4, 1, 2, 3}, 7: {7}} {
		before := slices.Clone(values)
		f := newFigure(&benchProbe{name: "x"}, benchMeasure{"y", perSecond}, values)
		if f.Value != want || f.Min != slices.Min(values) || f.Max != slices.Max(values) || f.Runs != len(values) || f.Name != "x/y" || !slices.Equal(values, before) {
			t.Errorf("%v gives %+v", values, f)
		}
	}
	for want, f := range map[string]benchFigure{
		"4.65 (4.60–4.70) M records/s":                {Value: 4.65e6, Min: 4.6e6, Max: 4.7e6, Unit: perSecond},
		"912 (899–1100) k records/s":                  {Value: 912_345, Min: 899e3, Max: 1.1e6, Unit: perSecond},
		"80.4 (0.500–83.1) G multiply-adds/s":         {Value: 80.4e9, Min: 5e8, Max: 83.1e9, Unit: fmaSecond},
		"54.1 % (54.0–55.0) of the limit":             {Value: .541, Min: .54, Max: .55, Unit: ofLimit},
		"-0.500 % (-1.00–2.00) over the kernel alone": {Value: -.005, Min: -.01, Max: .02, Unit: overKernel},
		"12169 (12146–16446) ns/record":               {Value: 12169, Min: 12146, Max: 16446, Unit: nsRecord},
		"0 (0–0.00123) allocations/record":            {Value: 1e-6, Min: 0, Max: .00123, Unit: allocs},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
