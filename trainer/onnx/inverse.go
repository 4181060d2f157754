package onnx

import (
	"fmt"

	"phasor/trainer/inverse"
)

// Inverse returns the ONNX file of an amortised inverse, a graph with
//
//	measurement  DOUBLE [N, m]   one row a record
//	record       DOUBLE [N, d]   the records in the units of the prior that it was trained with
//
// all of it in double precision.
func Inverse(n *inverse.Network) []byte {
	p := n.Parts()
	g := &graph{}
	m, d := p.Measurements, p.Dim
	y := value("measurement")
	if p.Whiten != nil {
		y = g.node("MatMul", []value{y, g.constant(doubles("whiten", p.Whiten, m, m))})
	}
	r := g.node("Sub", []value{y, g.constant(doubles("expected", p.Expected, 1, m))})
	linear := g.node("MatMul", []value{r, g.constant(doubles("gain", p.Gain, m, d))})
	linear = g.node("Add", []value{linear, g.constant(doubles("mean", p.Mean, 1, d))})
	h := g.node("MatMul", []value{r, g.constant(doubles("input", p.Input, m, p.Sizes[0]))})
	for l, w := range p.Weights {
		name := fmt.Sprintf("layer.%d", l+1)
		h = g.node("MatMul", []value{h, g.constant(doubles(name+".weight", w, p.Sizes[l], p.Sizes[l+1]))})
		h = g.node("Add", []value{h, g.constant(doubles(name+".bias", p.Biases[l], 1, p.Sizes[l+1]))})
		if l < len(p.Weights)-1 {
			h = g.node("Tanh", []value{h})
		}
	}
	h = g.node("MatMul", []value{h, g.constant(doubles("output", p.Output, p.Sizes[len(p.Sizes)-1], d))})
	g.named("record", "Add", []value{linear, h})
	return g.encode("inverse", "Records from measurements of them, by one network for all measurements of a kind.",
		port{"measurement", double, m}, port{"record", double, d}, nil)
}
