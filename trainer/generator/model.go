package generator

import (
	"errors"
	"math"
	"slices"

	"phasor/sketcher/feature"
	"phasor/trainer/generator/internal/draw"
)

// ErrShape is the panic of a slice or model whose size does not fit.
var ErrShape = errors.New("generator: the size of a slice or model does not fit")

// Model is a fitted generator: the averaged weights of the network, the output
// map, and what takes standard units to physical ones. It does not change once
// made, and is safe for concurrent use; only its Metadata is the owner's.
type Model struct {
	// Metadata holds free fields of the model's card. They travel with the file.
	Metadata map[string]string

	shape       shape
	flat        []float32
	weights     weights
	out         outputMap
	channels    []feature.Channel
	offset      []float64
	scale       []float64
	fingerprint string
	seed        uint64
	steps       int
	records     int64
	evaluation  Evaluation
}

// Dim returns the number of channels.
func (m *Model) Dim() int { return m.shape.dim }

// Latent returns the dimension of the latent u.
func (m *Model) Latent() int { return m.shape.latent }

// Channels returns a copy of the channels.
func (m *Model) Channels() []feature.Channel { return slices.Clone(m.channels) }

// Names returns the channels' names.
func (m *Model) Names() []string {
	names := make([]string, len(m.channels))
	for k, c := range m.channels {
		names[k] = c.Name
	}
	return names
}

// Fingerprint returns that of the feature map whose sketch was fitted.
func (m *Model) Fingerprint() string { return m.fingerprint }

// Seed returns the seed of the fit, Steps its optimiser steps and Records the
// number of records behind its sketch.
func (m *Model) Seed() uint64   { return m.seed }
func (m *Model) Steps() int     { return m.steps }
func (m *Model) Records() int64 { return m.records }

// Evaluation returns the figures of the model on the sketch it was fitted to,
// as recorded by [Fitter.Model] or [Model.SetEvaluation].
func (m *Model) Evaluation() Evaluation { return m.evaluation }

// SetEvaluation records figures to be stored with the model.
func (m *Model) SetEvaluation(e Evaluation) { m.evaluation = e }

// Sample returns n records in physical units, row-major. Equal seeds give equal
// records, and fewer records are the first of more.
func (m *Model) Sample(n int, seed uint64) []float64 { return m.SampleRange(0, n, seed) }

// SampleRange returns records lo to hi-1 of those that [Model.Sample] gives, so
// that many can be drawn in parts.
func (m *Model) SampleRange(lo, hi int, seed uint64) []float64 {
	d := m.shape.dim
	x := make([]float64, 0, (hi-lo)*d)
	y := make([]float32, d*block)
	raw := m.weights.raw(seed, draw.Samples)
	for at := lo; at < hi; {
		raw(uint64(at/block), y)
		for end := min(hi, (at/block+1)*block); at < end; at++ {
			for k := range d {
				x = append(x, m.physical(k, y[k*block+at%block]))
			}
		}
	}
	return x
}

// physical returns the record's value of channel k for the network's output v.
func (m *Model) physical(k int, v float32) float64 {
	y := float64(v)
	if !m.out.off[k] {
		image, bin, _ := m.out.at(k, y)
		if x := m.out.value[k*bins+bin]; !math.IsNaN(x) {
			return x
		}
		y = image
	}
	return m.channels[k].Transform.Invert(y/m.scale[k] + m.offset[k])
}

// source returns a source of served records in the standard units of a target.
func (m *Model) source(t *Target, seed uint64, p draw.Purpose) source {
	raw := m.weights.raw(seed, p)
	if t.fingerprint == m.fingerprint {
		return func(n uint64, y []float32) {
			raw(n, y)
			m.out.through(y)
		}
	}
	return func(n uint64, y []float32) {
		raw(n, y)
		for k := range m.shape.dim {
			transform := t.spec.Channels[k].Transform
			row := y[k*block : (k+1)*block]
			for i, v := range row {
				s := (transform.Apply(m.physical(k, v)) - t.spec.Offset[k]) * t.spec.Scale[k]
				row[i] = float32(max(-128, min(128, s)))
			}
		}
	}
}

// Generate writes the served records of the latents u, n by Latent, to dst, n
// by Dim, both row-major and in standard units, and returns dst. It panics
// with [ErrShape] when the lengths do not belong to the same n.
func (m *Model) Generate(dst, u []float64) []float64 {
	m.blocks(dst, u, nil, nil)
	return dst
}

// Pullback writes the records of the latents u to dst, as [Model.Generate],
// and the gradient with respect to u of sum_i g_i.y_i to du, for given g, n by
// Dim. A stored value passes no gradient.
func (m *Model) Pullback(dst, du, u, g []float64) {
	if len(du) != len(u) || len(g) != len(dst) {
		panic(ErrShape)
	}
	m.blocks(dst, u, du, g)
}

// blocks runs latents through the network, and gradients back if there are any.
func (m *Model) blocks(dst, u, du, g []float64) {
	k, d := m.shape.latent, m.shape.dim
	n := len(u) / k
	if len(u) != n*k || len(dst) != n*d {
		panic(ErrShape)
	}
	var scratch weights
	for lo := 0; lo < n; lo += block {
		width := min(block, n-lo)
		t := newTape(m.shape, width)
		transpose(t.u, u[lo*k:], k, width)
		m.weights.forward(t)
		slope := make([]float64, d*width)
		for c := range d {
			for i := range width {
				y, s := float64(t.y[c*width+i]), 1.0
				if !m.out.off[c] {
					y, _, s = m.out.at(c, y)
				}
				dst[(lo+i)*d+c], slope[c*width+i] = y, s
			}
		}
		if du == nil {
			continue
		}
		t.withGradients(m.shape)
		if scratch.dim == 0 {
			scratch = m.shape.view(make([]float32, m.shape.params()))
		}
		transpose(t.dy, g[lo*d:], d, width)
		for i, s := range slope {
			t.dy[i] *= float32(s)
		}
		m.weights.backward(&scratch, t)
		back := make([]float32, k*width)
		m.weights.latentGradient(back, t)
		for c := range k {
			for i := range width {
				du[(lo+i)*k+c] = float64(back[c*width+i])
			}
		}
	}
}

// transpose writes width rows of n numbers to dst, n by width.
func transpose(dst []float32, rows []float64, n, width int) {
	for i := range width {
		for c := range n {
			dst[c*width+i] = float32(rows[i*n+c])
		}
	}
}
