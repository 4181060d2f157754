package feature

import (
	"fmt"
	"testing"
)

func BenchmarkCalibrate(b *testing.B) {
	for _, c := range []struct {
		n, d       int
		directions string
	}{{10_000, 2, "dense"}, {10_000, 8, "dense"}, {10_000, 40, "dense"}, {10_000, 40, "selected"}, {10_000, 130, "dense"}} {
		b.Run(fmt.Sprintf("%dx%d/%s", c.n, c.d, c.directions), func(b *testing.B) {
			x := mixturePilot(c.n, c.d, 3, 1)
			opt := CalibrateOptions{Names: channelNames(c.d), Directions: c.directions}
			for b.Loop() {
				if _, _, err := Calibrate(x, opt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
