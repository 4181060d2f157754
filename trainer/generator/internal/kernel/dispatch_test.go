package kernel

import (
	"slices"
	"testing"

	"phasor/sketcher/feature"
)

// TestSelect: the kernel follows the one of the feature map.
func TestSelect(t *testing.T) {
	for asked, want := range map[string]string{
		"": available[0].Name, "portable": "portable", "avx2": "avx2", "avx512": "avx512", "avx512vnni": "avx512", "abacus": "portable",
	} {
		if asked != "" && !slices.Contains(feature.Kernels(), asked) {
			want = "portable"
		}
		t.Setenv("PHASOR_KERNEL", asked)
		if got := Select().Name; got != want {
			t.Errorf("PHASOR_KERNEL=%q selects %s, want %s", asked, got, want)
		}
	}
}
