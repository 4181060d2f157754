package inverse

import "slices"

// NetworkParts is everything that a [Network] computes with, for those who
// write it in other forms. Matrices are row-major with a row for each input:
//
//	r = y Whiten - Expected
//	x = Mean + r Gain + N(r Input) Output
//
// where N has dense layers h Weights_l + Biases_l with tanh between them.
type NetworkParts struct {
	Measurements, Dim int
	Whiten            []float64 // Measurements by Measurements; nil where y needs none
	Expected          []float64 // Measurements
	Mean              []float64 // Dim
	Gain              []float64 // Measurements by Dim
	Sizes             []int     // of the layers, their input and output among them
	Input             []float64 // Measurements by Sizes[0]
	Output            []float64 // the last of Sizes by Dim
	Weights, Biases   [][]float64
}

// Parts returns a copy of the network's parts.
func (net *Network) Parts() NetworkParts {
	c := net.linear
	m, d := len(c.expected), len(c.mean)
	p := NetworkParts{Measurements: m, Dim: d, Expected: slices.Clone(c.expected), Mean: slices.Clone(c.mean), Sizes: slices.Clone(net.mlp.sizes)}
	for i := range m {
		for k := range d {
			p.Gain = append(p.Gain, c.gain.At(k, i))
		}
		_, in := net.input.Dims()
		for k := range in {
			p.Input = append(p.Input, net.input.At(i, k))
		}
		if c.whiten != nil { // It is linear: row i is the image of unit i.
			unit := make([]float64, m)
			unit[i] = 1
			p.Whiten = append(p.Whiten, c.whiten(unit)...)
		}
	}
	_, out := net.output.Dims()
	for k := range out {
		for i := range d {
			p.Output = append(p.Output, net.output.At(i, k))
		}
	}
	for l, w := range net.mlp.weights {
		p.Weights = append(p.Weights, slices.Clone(w.RawMatrix().Data))
		p.Biases = append(p.Biases, slices.Clone(net.mlp.biases[l]))
	}
	return p
}
