package feature

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
)

func TestSphere(t *testing.T) {
	const m, d = 20_000, 5
	u := sphere(pilotRand(2), m, d)
	var second [d]float64
	for j := range m {
		var length float64
		for k, v := range u[j*d : (j+1)*d] {
			length += v * v
			second[k] += v * v / m
		}
		if math.Abs(length-1) > 1e-12 {
			t.Fatalf("direction %d has length^2 %g", j, length)
		}
	}
	for _, v := range second {
		within(t, "second moment of a coordinate", v, 1./d, .03)
	}
}

// TestSelectedDirections plants three narrow clusters in twenty dimensions:
// their centres span a plane.
func TestSelectedDirections(t *testing.T) {
	const d, n = 20, 4000
	centers := gaussianPilot(3, d, 9)
	x := gaussianPilot(n, d, 3)
	for i := range n {
		for k := range d {
			x[i*d+k] = x[i*d+k]/4 + centers[i%3*d+k]
		}
	}
	inPlane := map[string]float64{}
	health := map[string]float64{}
	for _, directions := range []string{"dense", "selected"} {
		spec, rep := mustCalibrate(t, x, CalibrateOptions{Names: channelNames(d), Features: 256, Directions: directions, Seed: 5})
		var plane [2][]float64
		for a := range plane {
			for k := range d {
				plane[a] = append(plane[a], (centers[(a+1)*d+k]-centers[k])*spec.Scale[k])
			}
		}
		basis := orthonormal(plane[:])
		w := Turns(spec)
		for j, r := range radiiOf(spec) {
			for _, b := range basis {
				c := 2 * math.Pi * floats.Dot(b, w[j*d:(j+1)*d]) / r
				inPlane[directions] += c * c / 256
			}
		}
		health[directions] = rep.Health
		if spec.Params["directions"] != directions {
			t.Errorf("params %v", spec.Params)
		}
	}
	t.Logf("share in the plane of the centres %v, health %v", inPlane, health)
	if inPlane["selected"] < 3*inPlane["dense"] || health["selected"] < 2*health["dense"] {
		t.Errorf("selected directions are not in the plane of the centres: %v, health %v", inPlane, health)
	}
	within(t, "dense directions", inPlane["dense"], 2./d, .3)
}

func TestSelectedDirectionsOfEqualRecords(t *testing.T) {
	p := &pilotSet{n: 3, d: 4, q: make([]int32, 12)}
	u := make([]float64, 4)
	p.pairDirection(pilotRand(1), u)
	if math.Abs(u[0]*u[0]+u[1]*u[1]+u[2]*u[2]+u[3]*u[3]-1) > 1e-12 {
		t.Errorf("direction %v between equal records", u)
	}
}

func TestPhasors(t *testing.T) {
	const d, n = 3, 700
	p := quantised(t, mixturePilot(n, d, 2, 4), d)
	omega := frequencies(stratified(pilotRand(1), 64), sphere(pilotRand(2), 64, d))
	rows := p.subset(n)
	z := p.phasors(omega, rows)
	f := make([]float64, 128)
	packed := pack(omega, d)
	packed.features(f, p.row(5))
	for j := range z {
		var want complex128
		for i := range n {
			var turns float64
			for k, q := range p.row(i) {
				turns += float64(q) * float64(omega[j*d+k]) / (1 << 32)
			}
			s, c := math.Sincos(2 * math.Pi * turns)
			want += complex(c, s) / n
			if i == 5 && (math.Abs(f[j]-c) > 1e-6 || math.Abs(f[64+j]-s) > 1e-6) {
				t.Fatalf("feature %d is %g + %gi, want %g + %gi", j, f[j], f[64+j], c, s)
			}
		}
		if e := z[j] - want; math.Hypot(real(e), imag(e)) > 1e-6 {
			t.Fatalf("phasor %d is %v, want %v", j, z[j], want)
		}
	}
}
