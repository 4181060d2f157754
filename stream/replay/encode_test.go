package replay

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"phasor/stream"
	"phasor/stream/decode"
)

func TestEncodersRoundTrip(t *testing.T) {
	const seed = 31
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	channels := []string{"plain", "with.dot", `back\slash`, "v[0]", "$", `quote"d`, "ünïcode, comma"}
	x, y := make([]float64, len(channels)), make([]float64, len(channels))
	for _, format := range []string{"json", "csv", "float64"} {
		field := "t.s"
		if format == "float64" {
			field = ""
		}
		e, err := NewEncoder(format, channels, field)
		if err != nil {
			t.Fatal(err)
		}
		c := e.Config()
		if !slices.Equal(c.Names(), channels) {
			t.Errorf("%s: channels %q", format, c.Names())
		}
		d, err := decode.New(c)
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		for n := range 4000 {
			for k := range x {
				x[k] = math.Float64frombits(r.Uint64())
				if x[k]-x[k] != 0 {
					x[k] = r.NormFloat64()
				}
			}
			if n == 0 {
				x[0], x[1], x[2], x[3] = math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1e21
			}
			ms := r.Int64N(1e13)
			b = e.Append(b[:0], x, ms)
			res := d.Decode(y, &stream.Record{Time: ms, Value: b})
			if !res.Emitted || res.Time != ms {
				t.Fatalf("%s: %s: %+v, want time %d", format, b, res, ms)
			}
			for k := range x {
				if math.Float64bits(x[k]) != math.Float64bits(y[k]) {
					t.Fatalf("%s: %s: %v came back as %v", format, b, x[k], y[k])
				}
			}
		}
		for v, want := range map[float64]decode.Reason{math.Inf(1): decode.Nonfinite, math.Inf(-1): decode.Nonfinite} {
			x[2] = v
			b = e.Append(b[:0], x, 5)
			if res := d.Decode(y, &stream.Record{Value: b}); res.Reason != want || res.Channel != 2 {
				t.Errorf("%s: %v decodes as %+v", format, v, res)
			}
		}
		if n := testing.AllocsPerRun(100, func() { b = e.Append(b[:0], x, 5) }); n != 0 {
			t.Errorf("%s: %v allocations a row", format, n)
		}
	}
	single, err := NewEncoder("float32", channels, "")
	if err != nil || len(single.Append(nil, x, 0)) != 4*len(channels) {
		t.Errorf("float32: %v", err)
	}
	for _, c := range [][2]string{{"xml", ""}, {"float32", "t"}, {"json", "plain"}} {
		if _, err := NewEncoder(c[0], channels, c[1]); err == nil {
			t.Errorf("%v is accepted", c)
		}
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	names := []string{"a", "b, c", `d "e"`, " f ", "line"}
	f, err := NewCSV(strings.NewReader(string(AppendHeader(nil, names))+"\n1,2,3,4,5\n"), "file", Options{})
	if err != nil {
		t.Fatal(err)
	}
	names[3] = "f"
	if got := f.Channels(); !slices.Equal(got, names) {
		t.Errorf("%q, want %q", got, names)
	}
}

func TestRowsAndPace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := mustPlant(t, PlantConfig{Seed: 1})
	f, err := Pace(ctx, p, 500)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEncoder("json", f.Channels(), "ts")
	if err != nil {
		t.Fatal(err)
	}
	next := Rows(f, e)
	start := time.Now()
	for range 20 {
		row, err := next()
		if err != nil || row.Time < start.UnixMilli() || len(row.X) != 8 || !strings.HasPrefix(string(row.Value), `{"ts":`) {
			t.Fatalf("%+v, %v", row, err)
		}
	}
	if d := time.Since(start); d < 35*time.Millisecond {
		t.Errorf("20 rows at 500 a second took %v", d)
	}
	cancel()
	for range 10 {
		if _, err = next(); err != nil {
			break
		}
	}
	if err != context.Canceled {
		t.Errorf("after the context ended: %v", err)
	}
	if _, err := Pace(ctx, p, 0); err == nil {
		t.Error("a rate of 0 is accepted")
	}
}

func TestHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h, err := NewHost(ctx, 20*time.Millisecond)
	if err != nil {
		t.Skipf("no telemetry here: %v", err)
	}
	t.Log(h.Channels())
	last := int64(0)
	for range 3 {
		x, ms, err := h.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ms <= last || len(x) != len(h.Channels()) {
			t.Errorf("%d values at %d after %d", len(x), ms, last)
		}
		last = ms
		for k, v := range x {
			if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) || strings.HasSuffix(h.Channels()[k], "_pct") && v > 100 {
				t.Errorf("%s is %v", h.Channels()[k], v)
			}
		}
		t.Log(x)
	}
	cancel()
	if _, _, err := h.Next(); err != context.Canceled {
		t.Errorf("after the context ended: %v", err)
	}
	if _, err := NewHost(t.Context(), time.Microsecond); err == nil {
		t.Error("an interval of a microsecond is accepted")
	}
}

func TestWholeDisk(t *testing.T) {
	disks := map[string]disk.IOCountersStat{}
	for _, name := range []string{"sda", "sda1", "sda2", "sdaa", "nvme0n1", "nvme0n1p1", "loop0", "dm-0", "vda", "vda15", "xvdb1"} {
		disks[name] = disk.IOCountersStat{}
	}
	for name := range disks {
		want := slices.Contains([]string{"sda", "sdaa", "nvme0n1", "vda", "xvdb1"}, name)
		if got := wholeDisk(name, disks); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
