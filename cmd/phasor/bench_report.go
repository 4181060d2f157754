package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/klauspost/cpuid/v2"
	"github.com/shirou/gopsutil/v4/load"

	"phasor/sketcher/feature"
)

// benchMachine is where the figures were measured.
type benchMachine struct {
	CPU        string   `json:"cpu"`
	Cores      int      `json:"cores"`
	Platform   string   `json:"platform"`
	Go         string   `json:"go"`
	Kernel     string   `json:"kernel"`  // in use
	Kernels    []string `json:"kernels"` // that run here
	LoadBefore *float64 `json:"load_before,omitempty"`
	LoadAfter  *float64 `json:"load_after,omitempty"`
}

func thisMachine(ctx context.Context) benchMachine {
	return benchMachine{
		CPU: strings.TrimSpace(cpuid.CPU.BrandName), Cores: runtime.NumCPU(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Kernel: feature.Kernel(), Kernels: feature.Kernels(), LoadBefore: loadAverage(ctx),
	}
}

// loadAverage is how many threads wanted to run in the last minute, nil where that is not known.
func loadAverage(ctx context.Context) *float64 {
	a, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil
	}
	return &a.Load1
}

// benchReport is all that is printed.
type benchReport struct {
	Machine benchMachine  `json:"machine"`
	Seconds float64       `json:"seconds_per_run"` // at least
	Runs    int           `json:"runs"`
	Figures []benchFigure `json:"figures"`
}

// print writes a table with a line for each probe.
func (r *benchReport) print(w io.Writer) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %d cores, %s, %s, kernel %s\n", m.CPU, m.Cores, m.Platform, m.Go, m.Kernel)
	fmt.Fprintf(&b, "medians of %d runs of at least %g s, and (least–greatest); CPU time, but fetch, pipeline and save by the clock\n", r.Runs, r.Seconds)
	if m.LoadBefore != nil && m.LoadAfter != nil {
		fmt.Fprintf(&b, "load average %.2f before, %.2f after\n", *m.LoadBefore, *m.LoadAfter)
		if *m.LoadBefore > 0.5*float64(m.Cores) {
			b.WriteString("other programs had a part of the machine: figures by the clock are what they left\n")
		}
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	limited := false
	for i, f := range r.Figures {
		if f.first {
			if i > 0 {
				fmt.Fprintln(t)
			}
			fmt.Fprintf(t, "%s", f.Name)
		}
		fmt.Fprintf(t, "\t%s", f)
		limited = limited || f.Unit == ofLimit
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	if limited {
		fmt.Fprintf(&b, "\n%s\n", limitText)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String gives the figure with its spread, and without its name.
func (f benchFigure) String() string {
	switch {
	case f.Unit == ofLimit || f.Unit == ofSlots || f.Unit == overKernel:
		return fmt.Sprintf("%s %% (%s–%s) %s", short(100*f.Value), short(100*f.Min), short(100*f.Max), f.Unit)
	case strings.HasSuffix(f.Unit, "/s"):
		scale, prefix := 1., ""
		for _, p := range []struct {
			scale  float64
			prefix string
		}{{1e3, "k "}, {1e6, "M "}, {1e9, "G "}, {1e12, "T "}} {
			if f.Value >= p.scale {
				scale, prefix = p.scale, p.prefix
			}
		}
		return fmt.Sprintf("%s (%s–%s) %s%s", short(f.Value/scale), short(f.Min/scale), short(f.Max/scale), prefix, f.Unit)
	}
	return fmt.Sprintf("%s (%s–%s) %s", short(f.Value), short(f.Min), short(f.Max), f.Unit)
}

// short prints three digits, or more before the point; below a thousandth it is nothing.
func short(v float64) string {
	if math.Abs(v) < 1e-3 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(digits, 0), 64)
}
