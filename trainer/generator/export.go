package generator

import "slices"

// Parts is everything that a model computes with, for those who write it in
// other forms. The package documentation says how the parts act together, under
// FORMAT; matrices are row-major with a row for each input.
type Parts struct {
	Latent, Hidden, Dim int

	Weights, Biases [layers][]float32 // of the hidden layers
	Out             []float32         // Hidden by Dim
	Mean            []float32         // Dim
	Linear          []float32         // Latent by Dim

	X             []float64 // Dim by 129
	Lo, Hi, Value []float64 // Dim by 128
	Off           []bool    // channels that pass the map unchanged
	Offset, Scale []float64
}

// Parts returns a copy of the model's parts.
func (m *Model) Parts() Parts {
	w := m.shape.view(slices.Clone(m.flat))
	return Parts{
		Latent: m.shape.latent, Hidden: m.shape.units, Dim: m.shape.dim,
		Weights: w.hidden, Biases: w.bias, Out: w.out, Mean: w.mean, Linear: w.linear,
		X: slices.Clone(m.out.x), Lo: slices.Clone(m.out.lo), Hi: slices.Clone(m.out.hi), Value: slices.Clone(m.out.value),
		Off: slices.Clone(m.out.off), Offset: slices.Clone(m.offset), Scale: slices.Clone(m.scale),
	}
}
