package sketch

import (
	"math/rand/v2"
	"strings"
	"testing"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

func TestKernelsGiveEqualBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, shape := range [][3]int{{1, 32, 1000}, {10, 1024, 700}, {33, 96, 300}, {130, 64, 90}} {
		d, m, n := shape[0], shape[1], shape[2]
		q := featuretest.Quantised(rand.New(rand.NewPCG(seed, 0)), n, d)
		encodings := map[string]string{}
		for _, name := range []string{"portable", "avx2", "avx512", "avx512vnni"} {
			t.Setenv("PHASOR_KERNEL", name)
			mp, err := feature.NewMap(featuretest.Spec(seed, d, m))
			if err != nil {
				if !strings.Contains(feature.Kernel(), "not available") {
					t.Fatal(err)
				}
				t.Logf("%s does not run here", name)
				continue
			}
			if feature.Kernel() != name {
				t.Errorf("asked for %s, got %s", name, feature.Kernel())
			}
			a := New(mp)
			a.Fold(q[:d])
			a.Fold(q[d:])
			encodings[name] = encode(t, a)
		}
		for name, b := range encodings {
			if b != encodings["portable"] {
				t.Errorf("d=%d m=%d: %s differs from the portable kernel", d, m, name)
			}
		}
	}
}
