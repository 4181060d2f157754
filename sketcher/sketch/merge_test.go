package sketch

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"phasor/sketcher/feature/featuretest"
)

func TestMergeRefusesOtherMapsAndLeavesTheReceiver(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m, other := featuretest.Map(1, 3, 32), featuretest.Map(2, 3, 32)
	a := folded(m, featuretest.Quantised(rng, 100, 3))
	b := folded(other, featuretest.Quantised(rng, 100, 3))
	before := encode(t, a)
	err := a.Merge(b)
	var mismatch *MismatchError
	if !errors.Is(err, ErrMismatch) || !errors.As(err, &mismatch) {
		t.Fatalf("got %v", err)
	}
	if mismatch.A != m.Fingerprint() || mismatch.B != other.Fingerprint() || !strings.Contains(err.Error(), mismatch.A) || !strings.Contains(err.Error(), mismatch.B) {
		t.Errorf("the error does not name both: %v", err)
	}
	if encode(t, a) != before {
		t.Error("the receiver changed")
	}
	if err := a.Bind(other); !errors.Is(err, ErrMismatch) || a.Map() != m {
		t.Errorf("Bind: %v", err)
	}
	if err := a.Merge(nil); err != nil || encode(t, a) != before {
		t.Errorf("merging nil: %v", err)
	}
	if a.Equal(b) {
		t.Error("equal to a sketch of another map")
	}
}

func TestMergeRefusesShapesThatLie(t *testing.T) {
	m, small := featuretest.Map(1, 3, 64), featuretest.Map(1, 3, 32)
	a, b := New(m), New(small)
	b.fingerprint = a.fingerprint
	if err := a.Merge(b); !errors.Is(err, ErrMismatch) {
		t.Errorf("got %v", err)
	}
	if err := b.Bind(m); !errors.Is(err, ErrMismatch) {
		t.Errorf("got %v", err)
	}
}

func TestMergeRefusesMoreThanFits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := featuretest.Map(1, 2, 32)
	a := doubled(t, folded(m, featuretest.Quantised(rng, 1, 2)), 62)
	before := encode(t, a)
	for _, o := range []*Accumulator{a, folded(m, featuretest.Quantised(rng, 1, 2))} {
		if err := a.Merge(o); !errors.Is(err, ErrOverflow) {
			t.Errorf("got %v", err)
		}
		if encode(t, a) != before {
			t.Error("the receiver changed")
		}
	}
	if _, err := Decode([]byte(before)); err != nil {
		t.Error(err)
	}
}
