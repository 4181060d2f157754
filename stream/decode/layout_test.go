package decode

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"phasor/stream"
)

// A record that differs from its layout in one byte, wherever that is and however
// long the names around it are, is read as if there were no layout.
func TestLayoutsSeeEveryByte(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for length := 1; length <= 24; length++ {
		var c Config
		var fields []string
		for k := range 3 {
			name := strings.Repeat("x", length-1) + string(rune('a'+k))
			c.Channels = append(c.Channels, Channel{Name: name})
			fields = append(fields, fmt.Sprintf("%q:%d.%d", name, k, 5+k))
		}
		value := "{" + strings.Join(fields, ",") + "}"
		for at := range len(value) {
			changed := []byte(value)
			for string(changed) == value {
				changed[at] = "xab\",:{}0159.-e \x00\xff"[rng.IntN(18)]
			}
			learned, fresh := mustNew(t, c), mustNew(t, c)
			got, want := make([]float64, 3), make([]float64, 3)
			if r := learned.Decode(got, rec(value)); r.Reason != Accepted {
				t.Fatalf("%s: %v", value, r)
			}
			r := learned.Decode(got, &stream.Record{Value: changed})
			if w := fresh.Decode(want, &stream.Record{Value: changed}); r != w || r.Reason == Accepted && !equal(got, want) {
				t.Errorf("%q after %q: %v %v, want %v %v", changed, value, r, got, w, want)
			}
		}
	}
}

func equal(a, b []float64) bool {
	for k := range a {
		if !same(a[k], b[k]) {
			return false
		}
	}
	return true
}
