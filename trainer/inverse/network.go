package inverse

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// mlp is a network of dense layers with tanh between them. Matrices have a row
// for each input, weights lie in one vector.
type mlp struct {
	sizes   []int
	flat    []float64
	weights []*mat.Dense
	biases  [][]float64
}

func newMLP(sizes []int, rng *rand.Rand) *mlp {
	n := &mlp{sizes: sizes}
	n.flat = make([]float64, paramsOf(sizes))
	n.weights, n.biases = views(sizes, n.flat)
	for l, w := range n.weights {
		size := 1 / math.Sqrt(float64(sizes[l]))
		if l == len(n.weights)-1 {
			size *= 0.1
		}
		raw := w.RawMatrix().Data
		for i := range raw {
			raw[i] = size * rng.NormFloat64()
		}
	}
	return n
}

func paramsOf(sizes []int) int {
	total := 0
	for l := range len(sizes) - 1 {
		total += (sizes[l] + 1) * sizes[l+1]
	}
	return total
}

// views cuts a flat vector into matrices and biases.
func views(sizes []int, flat []float64) (weights []*mat.Dense, biases [][]float64) {
	for l := range len(sizes) - 1 {
		in, out := sizes[l], sizes[l+1]
		weights = append(weights, mat.NewDense(in, out, flat[:in*out:in*out]))
		biases = append(biases, flat[in*out:(in+1)*out:(in+1)*out])
		flat = flat[(in+1)*out:]
	}
	return weights, biases
}

// forward returns the activations of every layer for the rows of x.
func (n *mlp) forward(x *mat.Dense) []*mat.Dense {
	layers := []*mat.Dense{x}
	for l, w := range n.weights {
		h := new(mat.Dense)
		h.Mul(layers[l], w)
		rows, _ := h.Dims()
		for i := range rows {
			row := h.RawRowView(i)
			axpy(1, n.biases[l], row)
			if l < len(n.weights)-1 {
				for k, v := range row {
					row[k] = math.Tanh(v)
				}
			}
		}
		layers = append(layers, h)
	}
	return layers
}

// backward writes the gradient of the weights to g for the gradient at the last
// layer, which it overwrites.
func (n *mlp) backward(g []float64, layers []*mat.Dense, grad *mat.Dense) {
	clear(g)
	weights, biases := views(n.sizes, g)
	for l := len(n.weights) - 1; l >= 0; l-- {
		weights[l].Mul(layers[l].T(), grad)
		rows, _ := grad.Dims()
		for i := range rows {
			axpy(1, grad.RawRowView(i), biases[l])
		}
		if l == 0 {
			return
		}
		next := new(mat.Dense)
		next.Mul(grad, n.weights[l].T())
		for i := range rows {
			row := next.RawRowView(i)
			for k, v := range layers[l].RawRowView(i) {
				row[k] *= 1 - v*v
			}
		}
		grad = next
	}
}
