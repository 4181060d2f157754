package kernel

import (
	"fmt"
	"os"
	"slices"
)

// Set is the functions of one kernel.
type Set struct {
	// Name is avx512vnni, avx512, avx2 or portable.
	Name string

	// Quantise writes the fixed-point form of a record, with every operation in
	// binary64 and rounded by itself:
	//
	//	q[k] = int32(rne(clamp((x[k]-offset[k])*scale[k]*Unit, ±Limit)))
	//
	// It returns false, and q is unspecified, if an x[k] is NaN or infinite. The
	// offsets are finite and the scales finite and positive.
	Quantise func(q []int32, x, offset, scale []float64) bool

	// Pack returns frequencies of d channels in the form that Blocks takes.
	// It may keep omega, which must not be changed then.
	Pack func(omega [][Lanes]int32, d int) *Packed

	// Blocks adds a and b of every record and frequency:
	//
	//	for each row x of q, j < len(a):
	//		p := sum over k of x[k]*omega[j/Lanes*d+k][j%Lanes]
	//		A[j] += a(p)
	//		B[j] += b(p)
	//
	// q has up to MaxRecords records of d channels, with |x[k]| < 2^23, and the
	// lengths of a and b are that of all blocks of frequencies.
	Blocks func(a, b []int64, omega *Packed, q []int32, d int)

	// Moments adds the moments and widens the range of every record, with
	// d = len(lo) channels and v the reduced q:
	//
	//	first[k] += v[k]
	//	second[k,l] += v[k]*v[l], k <= l, by rows; l = k only for d > Wide
	//	lo[k] = min(lo[k], q[k]), hi[k] = max(hi[k], q[k])
	Moments func(first, second []int64, lo, hi, q []int32)
}

var portable = Set{
	Name:     "portable",
	Quantise: PortableQuantise,
	Pack:     func(omega [][Lanes]int32, d int) *Packed { return &Packed{omega: omega} },
	Blocks:   PortableBlocks,
	Moments:  PortableMoments,
}

// Plain returns the kernel that runs everywhere.
func Plain() Set { return portable }

// variable names the kernel to use instead of the fastest one.
const variable = "PHASOR_KERNEL"

// Select returns the kernel to use. It fails only if the environment forces one
// that does not exist or does not run here.
func Select() (Set, error) {
	return choose(os.Getenv(variable), available())
}

// Named returns one of the kernels that run here.
func Named(name string) (Set, error) {
	names := Names()
	i := slices.Index(names, name)
	if i < 0 {
		return Set{}, fmt.Errorf("kernel: %q is not available in this build on this processor: choose one of %q", name, names)
	}
	return available()[i], nil
}

// Names returns the names of the kernels that run here, the fastest first.
func Names() []string {
	var names []string
	for _, s := range available() {
		names = append(names, s.Name)
	}
	return names
}

// choose returns the kernel of that name, or the first one for an empty name.
func choose(name string, sets []Set) (Set, error) {
	if name == "" {
		return sets[0], nil
	}
	names := make([]string, len(sets))
	for i, s := range sets {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return Set{}, fmt.Errorf("kernel: %s=%q is not available in this build on this processor: unset it, or choose one of %q", variable, name, names)
}
