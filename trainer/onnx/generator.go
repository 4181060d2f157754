package onnx

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"phasor/sketcher/feature"
	"phasor/trainer/generator"
)

// Generator returns the ONNX file of a generator.
func Generator(m *generator.Model) ([]byte, error) {
	names, err := json.Marshal(m.Names())
	if err != nil {
		return nil, fmt.Errorf("onnx: names of the channels: %w", err)
	}
	g := &graph{}
	p := m.Parts()
	raw := network(g, p)
	standard, stored, exact := outputMap(g, p, g.node("Cast", []value{raw}, attribute{"to", int(double)}))
	physical := physicalUnits(g, m.Channels(), p, standard)
	g.named("record", "Where", []value{exact, stored, physical})
	return g.encode("generator", "Records of a stream from normal latents, fitted to the stream's sketch.",
		port{"latent", float, p.Latent}, port{"record", double, p.Dim}, map[string]string{
			"channels": string(names), "map": m.Fingerprint(), "records": strconv.FormatInt(m.Records(), 10),
		}), nil
}

// network adds y = mean + L u + W_out' h_3 with h_l = tanh(W_l' h_(l-1) + b_l).
func network(g *graph, p generator.Parts) value {
	x, in := value("latent"), p.Latent
	for l, w := range p.Weights {
		name := fmt.Sprintf("hidden.%d", l+1)
		x = g.node("Gemm", []value{x, g.constant(floats(name+".weight", w, in, p.Hidden)), g.constant(floats(name+".bias", p.Biases[l], p.Hidden))})
		x, in = g.node("Tanh", []value{x}), p.Hidden
	}
	y := g.node("Gemm", []value{"latent", g.constant(floats("linear.weight", p.Linear, p.Latent, p.Dim)), g.constant(floats("out.bias", p.Mean, p.Dim))})
	return g.node("Add", []value{y, g.node("MatMul", []value{x, g.constant(floats("out.weight", p.Out, p.Hidden, p.Dim))})})
}

// outputMap adds the map of the network's output v: the bin b of each value, which is the number of right ends that are not
// above it, but at most the last bin with a width; and in it
//
//	y = min(base[b] + (v - x[b]) slope[b], hi[b])
//
// or the stored value, where exact says that the bin has one. Channels that pass the map have neither.
func outputMap(g *graph, p generator.Parts, v value) (y, stored, exact value) {
	d, bins := p.Dim, feature.Bins
	first, last := make([]float64, d), make([]float64, d)
	lastBin, offset := make([]int64, d), make([]int64, d)
	ends := make([]float64, 0, d*bins)
	left, base, slope, top := make([]float64, d*bins), make([]float64, d*bins), make([]float64, d*bins), make([]float64, d*bins)
	values, has := make([]float64, d*bins), make([]bool, d*bins)
	for k := range d {
		x := p.X[k*(bins+1) : (k+1)*(bins+1)]
		first[k], last[k], offset[k] = x[0], x[bins], int64(k*bins)
		ends = append(ends, x[1:]...)
		b := bins - 1
		for b > 0 && x[b] == x[bins] {
			b--
		}
		lastBin[k] = int64(b)
		for b := range bins {
			i := k*bins + b
			lo, hi, width := p.Lo[i], p.Hi[i], x[b+1]-x[b]
			left[i], base[i], top[i] = x[b], hi, hi
			if lo != hi && width != 0 {
				base[i], slope[i] = lo, (hi-lo)/width
			}
			if value := p.Value[i]; !math.IsNaN(value) && !p.Off[k] {
				values[i], has[i] = value, true
			}
		}
	}
	in := g.node("Max", []value{v, g.constant(doubles("map.first", first, 1, d))})
	in = g.node("Min", []value{in, g.constant(doubles("map.last", last, 1, d))})
	each := g.node("Unsqueeze", []value{in, g.constant(integers("map.axis", []int64{2}, 1))})
	passed := g.node("GreaterOrEqual", []value{each, g.constant(doubles("map.ends", ends, 1, d, bins))})
	bin := g.node("ReduceSum", []value{g.node("Cast", []value{passed}, attribute{"to", int(int64s)}), "map.axis"}, attribute{"keepdims", 0})
	bin = g.node("Min", []value{bin, g.constant(integers("map.bin", lastBin, 1, d))})
	at := g.node("Add", []value{bin, g.constant(integers("map.offset", offset, 1, d))})
	table := func(t tensor) value { return g.node("Gather", []value{g.constant(t), at}) }
	y = g.node("Sub", []value{in, table(doubles("map.left", left, d*bins))})
	y = g.node("Mul", []value{y, table(doubles("map.slope", slope, d*bins))})
	y = g.node("Add", []value{y, table(doubles("map.base", base, d*bins))})
	y = g.node("Min", []value{y, table(doubles("map.top", top, d*bins))})
	y = g.node("Where", []value{g.constant(booleans("map.off", p.Off, 1, d)), v, y})
	return y, table(doubles("map.value", values, d*bins)), table(booleans("map.exact", has, d*bins))
}

// physicalUnits adds the way from standard units y to physical ones, T^-1(y/scale + offset).
func physicalUnits(g *graph, channels []feature.Channel, p generator.Parts, y value) value {
	d := p.Dim
	x := g.node("Div", []value{y, g.constant(doubles("scale", p.Scale, 1, d))})
	x = g.node("Add", []value{x, g.constant(doubles("offset", p.Offset, 1, d))})
	marked := map[feature.Transform][]bool{}
	for k, c := range channels {
		if marked[c.Transform] == nil {
			marked[c.Transform] = make([]bool, d)
		}
		marked[c.Transform][k] = true
	}
	plain := x
	var up value
	if marked[feature.Log1p] != nil || marked[feature.Asinh] != nil {
		up = g.node("Exp", []value{plain})
	}
	if mark := marked[feature.Log1p]; mark != nil {
		v := g.node("Sub", []value{up, g.constant(doubles("one", []float64{1}, 1))})
		x = g.node("Where", []value{g.constant(booleans("is.log1p", mark, 1, d)), v, x})
	}
	if mark := marked[feature.Asinh]; mark != nil {
		down := g.node("Exp", []value{g.node("Neg", []value{plain})})
		v := g.node("Mul", []value{g.node("Sub", []value{up, down}), g.constant(doubles("half", []float64{.5}, 1))})
		x = g.node("Where", []value{g.constant(booleans("is.asinh", mark, 1, d)), v, x})
	}
	return x
}
