package kernel

import (
	"errors"

	"phasor/sketcher/feature"
)

// ErrShape is the panic of a slice whose length does not belong to its shape.
var ErrShape = errors.New("kernel: the length of a slice does not belong to its shape")

const (
	// Tile is the number of frequencies that are laid out together.
	Tile = 32
	// Width is the largest number of records of a call.
	Width = 128
)

// Room is what a call needs beside its arguments. Its contents have no meaning.
type Room [Tile * Width]float32

// Set is the functions of one kernel. They are safe for concurrent use on
// disjoint destinations and do not allocate.
type Set struct {
	// Name is avx512, avx2 or portable.
	Name string

	addTN, addNN, addNT func(c, a, b []float32, m, n, k int)

	sums func(room *Room, cos, sin, omega, y []float32, n, d int)
	pull func(room *Room, dy, y, tiles, omega, re, im []float32, n, d int)

	tanh    func(x, bias []float32, n int)
	through func(bias, dh, h []float32, n int)

	adam    func(w, g, m, v []float32, p [7]float32)
	average func(mean, x []float32, p [2]float32)
	add     func(dst, x []float32)
}

// Select returns the kernel that goes with the one that package feature uses:
// avx512 for avx512 and avx512vnni, else the one of the same name. A name that
// is not available, which fits do not get to since no feature map works with it,
// gives the portable kernel.
func Select() *Set {
	name := feature.Kernel()
	if name == "avx512vnni" {
		name = "avx512"
	}
	for _, s := range available {
		if s.Name == name {
			return s
		}
	}
	return portable
}

// Available returns the kernels that run here, the fastest first.
func Available() []*Set { return available }

var portable = &Set{
	Name:  "portable",
	addTN: addTN, addNN: addNN, addNT: addNT,
	sums: sums, pull: pull,
	tanh: tanh, through: through,
	adam: adam, average: average, add: add,
}
