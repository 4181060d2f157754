package generator

import (
	"phasor/trainer/generator/internal/draw"
	"phasor/trainer/generator/internal/kernel"
)

// stepper runs the steps of a fit: it holds every buffer of one, so that a
// step allocates nothing but its goroutines, if there are any.
type stepper struct {
	set     *kernel.Set
	p       *problem
	seed    uint64
	batch   int
	threads int
	parts   [][]int // of the frequencies, in turn
	order   []int   // the random order that the parts cut
	chosen  *selection
	blocks  []*blockState
	sums    []complex128
	re, im  []float32
	grad    []float32

	// What is done with each block, and with the weights and the number of a step.
	forward, backward func(i int)
	weights           *weights
	number            int
}

// blockState is the share of one block of records in a step. On one goroutine all
// blocks have their gradients in the same place, which so stays in the cache.
type blockState struct {
	src    *draw.Source
	tape   *tape
	phases *phases
	flat   []float32 // gradient of the weights
	grad   weights
}

func newStepper(p *problem, s shape, c Config) *stepper {
	st := &stepper{set: kernel.Select(), p: p, seed: c.Seed, batch: c.Batch, threads: c.Threads}
	n := len(p.train)
	parts := max(1, (n+c.Subset/2)/c.Subset)
	room := (n + parts - 1) / parts
	st.order = make([]int, n)
	for i := range parts {
		st.parts = append(st.parts, st.order[i*n/parts:(i+1)*n/parts])
	}
	st.chosen = newSelection(p.dim, room)
	st.sums = make([]complex128, room)
	st.re, st.im = make([]float32, whole(room)), make([]float32, whole(room))
	st.grad = make([]float32, s.params())
	for lo := 0; lo < c.Batch; lo += block {
		width := min(block, c.Batch-lo)
		b := &blockState{src: draw.New(), tape: newTape(s, width), phases: newPhases(room)}
		if lo > 0 && c.Threads <= 1 {
			first := st.blocks[0]
			b.flat = first.flat
			b.tape.shareGradients(s, first.tape)
			b.phases.room = first.phases.room
		} else {
			b.flat = make([]float32, s.params())
			b.tape.withGradients(s)
		}
		b.grad = s.view(b.flat)
		st.blocks = append(st.blocks, b)
	}
	st.forward = func(i int) {
		b := st.blocks[i]
		b.src.Seek(st.seed, draw.Latents, uint64(st.number)*uint64(len(st.blocks))+uint64(i))
		b.src.Normals(b.tape.u)
		st.weights.forward(b.tape)
		b.phases.forward(st.chosen, b.tape.y, b.tape.width)
	}
	st.backward = func(i int) {
		b := st.back(i)
		b.phases.backward(b.tape.dy, b.tape.y, st.chosen, st.re, st.im, b.tape.width)
		clear(b.flat)
		st.weights.backward(&b.grad, b.tape)
		if st.threads <= 1 {
			st.collect(i)
		}
	}
	return st
}

// back returns the block that is the i-th on the way back: the last one comes
// first, as its records are still in the cache.
func (st *stepper) back(i int) *blockState { return st.blocks[len(st.blocks)-1-i] }

// collect adds the gradient of the i-th block on the way back to those before it.
func (st *stepper) collect(i int) {
	if b := st.back(i); i == 0 {
		copy(st.grad, b.flat)
	} else {
		st.set.Add(st.grad, b.flat)
	}
}

// gradient computes the loss of step number n at the weights w on fresh
// latents and the step's part of the frequencies, and leaves the gradient in
// st.grad. It depends on nothing but its arguments and the seed.
func (st *stepper) gradient(w *weights, n int) float64 {
	st.weights, st.number = w, n
	st.turn(n)
	m := len(st.chosen.z)
	each(st.threads, len(st.blocks), st.forward)
	sums := st.sums[:m]
	clear(sums)
	for _, b := range st.blocks {
		for j := range sums {
			sums[j] += complex(float64(b.phases.sumCos[j]), float64(b.phases.sumSin[j]))
		}
	}
	loss := residuals(st.re[:m], st.im[:m], st.chosen.z, sums, st.batch)
	each(st.threads, len(st.blocks), st.backward)
	if st.threads > 1 {
		for i := range st.blocks {
			st.collect(i)
		}
	}
	return loss
}

// turn chooses the frequencies of step n: each round of steps takes a new
// random partition, one part a step.
func (st *stepper) turn(n int) {
	round, part := n/len(st.parts), n%len(st.parts)
	if len(st.parts) == 1 { // All of them in every step, in one order: a resumed fit sums as the first one did.
		if len(st.chosen.z) == len(st.order) {
			return
		}
		round = 0
	}
	copy(st.order, st.p.train)
	src := st.blocks[0].src
	src.Seek(st.seed, draw.Frequencies, uint64(round))
	src.Shuffle(st.order)
	st.chosen.choose(st.p, st.parts[part])
}
