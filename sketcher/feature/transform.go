package feature

import (
	"fmt"
	"math"
)

// Transform is applied to a channel before it is standardised.
type Transform uint8

// The transforms.
const (
	Identity Transform = iota // x
	Log1p                     // log(1+x), for x > -1
	Asinh                     // log(x + sqrt(x^2+1))
)

var transformNames = [...]string{Identity: "identity", Log1p: "log1p", Asinh: "asinh"}

// String returns the transform's name in specs and configurations.
func (t Transform) String() string { return nameOf(transformNames[:], int(t), "Transform") }

// ParseTransform is the inverse of [Transform.String].
func ParseTransform(s string) (Transform, error) {
	i, err := indexOf(transformNames[:], s, "transform")
	return Transform(i), err
}

// Apply returns the transform of x: the same bits on every machine, within 2
// units in the last place of the real value. It is NaN where the transform is
// not defined.
func (t Transform) Apply(x float64) float64 {
	switch t {
	case Log1p:
		return log1p(x)
	case Asinh:
		return asinh(x)
	}
	return x
}

// Invert returns the x whose transform is y.
func (t Transform) Invert(y float64) float64 {
	switch t {
	case Log1p:
		return expm1(y)
	case Asinh:
		return sinh(y)
	}
	return y
}

// Kind says how a channel behaved in the pilot.
type Kind uint8

// The kinds.
const (
	Continuous Kind = iota
	Discrete        // few values
	Quiet           // one value
)

var kindNames = [...]string{Continuous: "continuous", Discrete: "discrete", Quiet: "quiet"}

// String returns the kind's name in specs.
func (k Kind) String() string { return nameOf(kindNames[:], int(k), "Kind") }

// ParseKind is the inverse of [Kind.String].
func ParseKind(s string) (Kind, error) {
	i, err := indexOf(kindNames[:], s, "kind")
	return Kind(i), err
}

func nameOf(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", what, i)
}

func indexOf(names []string, s, what string) (int, error) {
	for i, n := range names {
		if n == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("feature: unknown %s %q: use one of %q", what, s, names)
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }
