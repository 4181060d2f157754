package onnx

import (
	"fmt"
	"maps"
	"slices"
)

// Versions that a model is written for: of the intermediate representation and of the operators.
const (
	irVersion = 8
	opset     = 17
)

// graph collects nodes and constants in the order in which they are used.
type graph struct {
	nodes     [][]byte
	constants []tensor
	names     int
}

// value is the name of what a node gives.
type value string

// constant adds a constant.
func (g *graph) constant(t tensor) value {
	g.constants = append(g.constants, t)
	return value(t.name)
}

// attribute is one of a node, always a number.
type attribute struct {
	name string
	i    int
}

// integerAttribute is the type of an attribute that is a number, in AttributeProto.
const integerAttribute = 2

// node adds a node with one output.
func (g *graph) node(op string, inputs []value, attributes ...attribute) value {
	g.names++
	out := value(fmt.Sprintf("%s_%d", op, g.names))
	g.named(out, op, inputs, attributes...)
	return out
}

// named is node with a name for its output.
func (g *graph) named(out value, op string, inputs []value, attributes ...attribute) {
	var b []byte
	for _, in := range inputs {
		b = text(b, 1, string(in))
	}
	b = text(b, 2, string(out))
	b = text(b, 3, "node_"+string(out))
	b = text(b, 4, op)
	for _, a := range attributes {
		p := text(nil, 1, a.name)
		p = number(p, 3, a.i)
		b = message(b, 5, number(p, 20, integerAttribute))
	}
	g.nodes = append(g.nodes, b)
}

// port is an input or output of the graph: a matrix with any number of rows.
type port struct {
	name    string
	kind    kind
	columns int
}

func (p port) encode() []byte {
	rows := message(nil, 1, text(nil, 2, "N"))
	shape := message(rows, 1, number(nil, 1, p.columns))
	of := message(number(nil, 1, int(p.kind)), 2, shape)
	return message(text(nil, 1, p.name), 2, message(nil, 1, of))
}

// encode returns the ModelProto.
func (g *graph) encode(name, doc string, in, out port, metadata map[string]string) []byte {
	var b []byte
	for _, n := range g.nodes {
		b = message(b, 1, n)
	}
	b = text(b, 2, name)
	for _, t := range g.constants {
		b = message(b, 5, t.encode())
	}
	b = text(b, 10, doc)
	b = message(b, 11, in.encode())
	b = message(b, 12, out.encode())

	m := number(nil, 1, irVersion)
	m = text(m, 2, "phasor")
	m = text(m, 6, doc)
	m = message(m, 7, b)
	m = message(m, 8, number(text(nil, 1, ""), 2, opset))
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		m = message(m, 14, text(text(nil, 1, k), 2, metadata[k]))
	}
	return m
}
