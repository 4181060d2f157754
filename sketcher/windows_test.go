package sketcher

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/stream"
	"phasor/stream/decode"
)

// Windows of the last values of a key are folded as the history of the log gives them, whatever the batches, the cuts
// and the restarts: state and all.
func TestWindowsLeaveNoTrace(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const lags, stride, keys, many = 4, 2, 20, 30
	cfg := FoldConfig{Topics: []string{"t"}, Isolation: "read_committed", Length: 10 * time.Millisecond, Lateness: 20 * time.Millisecond,
		Decode: decode.Config{Channels: []decode.Channel{{Name: "v"}}, Window: decode.Window{Lags: lags, Key: "$key", Stride: stride, Keys: keys}}}
	pilot := make([]float64, lags*400)
	for i := range pilot {
		pilot[i] = rng.NormFloat64()
	}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: cfg.Decode.Names(), Features: 32, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Map, err = feature.NewMap(spec); err != nil {
		t.Fatal(err)
	}

	records := make([]stream.Record, 3000)
	for i := range records {
		records[i] = stream.Record{Offset: int64(2 * i), Time: int64(1000 + i), Key: fmt.Append(nil, rng.IntN(many)), Value: fmt.Appendf(nil, `{"v":%g}`, rng.NormFloat64())}
		if rng.IntN(50) == 0 {
			records[i].Value = []byte("poison")
		}
	}
	open := func() *Fold {
		f, err := NewFold(cfg, testID, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	whole := open()
	foldAll(t, whole, records)
	want := encode(t, whole)

	for round := range 5 {
		f := open()
		for at := 0; at < len(records); {
			end := min(at+1+rng.IntN(400), len(records))
			f.Batch(stream.Batch{Records: records[at:end], Next: records[end-1].Offset + 1})
			at = end
			if rng.IntN(2) == 0 {
				state := f.Cut().State
				if f, err = Resume(cfg, state); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := encode(t, f); !bytes.Equal(got, want) {
			t.Fatalf("round %d: batches and restarts changed the state", round)
		}
		if n := f.Count(); n == 0 || n != whole.Count() {
			t.Fatalf("%d windows, %d in one batch", n, whole.Count())
		}
	}

	// The same windows, told by whole histories.
	a := sketch.New(cfg.Map)
	history := map[string][]float64{}
	var order []string
	q := make([]int32, lags)
	for _, r := range records {
		var v float64
		if _, err := fmt.Sscanf(string(r.Value), `{"v":%g}`, &v); err != nil {
			continue
		}
		k := string(r.Key)
		if _, known := history[k]; !known && len(order) == keys {
			delete(history, order[0])
			order = order[1:]
		}
		for i, o := range order {
			if o == k {
				order = append(order[:i], order[i+1:]...)
				break
			}
		}
		order = append(order, k)
		history[k] = append(history[k], v)
		if h := history[k]; len(h) >= lags && (len(h)-lags)%stride == 0 {
			if !cfg.Map.Quantise(q, h[len(h)-lags:]) {
				t.Fatal("a window is not finite")
			}
			a.Fold(q)
		}
	}
	if a.Count() != whole.Count() {
		t.Fatalf("%d windows by their histories, %d were folded", a.Count(), whole.Count())
	}
	total := whole.total.acc.Clone()
	for _, p := range whole.open {
		if err := total.Merge(p.acc); err != nil {
			t.Fatal(err)
		}
	}
	got, err := total.Encode()
	if err != nil {
		t.Fatal(err)
	}
	exact, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, exact) {
		t.Error("the folded windows are not those of the histories")
	}
}
