package mixture

import (
	"errors"
	"fmt"
)

// ErrOptions is wrapped by every error about options that nothing can be decoded with.
var ErrOptions = errors.New("invalid options")

// ErrStopped is wrapped by the error of a pursuit that its Options stopped.
var ErrStopped = errors.New("stopped")

// Shape is what the components' covariances may be.
type Shape uint8

// The shapes of covariances.
const (
	Diagonal Shape = iota // each channel its own variance
	Full                  // any covariance
)

// String returns the name of s.
func (s Shape) String() string {
	if s == Full {
		return "full"
	}
	return "diagonal"
}

// ParseShape is the inverse of String.
func ParseShape(s string) (Shape, error) {
	for _, v := range []Shape{Diagonal, Full} {
		if v.String() == s {
			return v, nil
		}
	}
	return 0, fmt.Errorf("mixture: %w: shape %q: it is diagonal or full", ErrOptions, s)
}

// Options say how a mixture is decoded. The zero value of a field stands for its default.
type Options struct {
	// Components is K, the number of components or centres; at least 1.
	Components int
	// Shape is that of the covariances; diagonal.
	Shape Shape
	// Seed decides the random starts. Equal seeds give equal results.
	Seed uint64
	// Restarts is how often the pursuit begins anew if its loss stays above three times the sketch's noise; 3. The best
	// one counts.
	Restarts int
	// Frequencies is how many of the sketch's are used: ten for each parameter, at least 256, and at most all.
	Frequencies int
	// Stop is asked again and again whether to give up; nil: never.
	Stop func() bool
}

const mostComponents = 1024

func (o Options) validate() error {
	switch {
	case o.Components < 1 || o.Components > mostComponents:
		return fmt.Errorf("mixture: %w: %d components: give 1 to %d", ErrOptions, o.Components, mostComponents)
	case o.Shape > Full:
		return fmt.Errorf("mixture: %w: shape %d: it is Diagonal or Full", ErrOptions, o.Shape)
	case o.Restarts < 0:
		return fmt.Errorf("mixture: %w: %d restarts: give 1 or more", ErrOptions, o.Restarts)
	case o.Frequencies < 0:
		return fmt.Errorf("mixture: %w: %d frequencies: give 1 or more", ErrOptions, o.Frequencies)
	}
	return nil
}

func (o Options) stopped() bool { return o.Stop != nil && o.Stop() }

func (o Options) restarts() int {
	if o.Restarts == 0 {
		return 3
	}
	return o.Restarts
}

func (o Options) frequencies(dim int) int {
	if o.Frequencies > 0 {
		return o.Frequencies
	}
	return max(256, 10*o.Components*(1+o.Shape.size(dim)))
}
