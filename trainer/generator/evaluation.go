package generator

import (
	"math"

	"phasor/trainer/generator/internal/draw"
)

// Evaluation says how close a generator is to the stream behind a sketch. All
// losses are mean squared distances between phasors; records are those that
// the model serves, after the output map.
type Evaluation struct {
	// Unbiased and Biased are the loss on fitted frequencies, without and with
	// the noise of the generated sample.
	Unbiased, Biased float64
	// HeldOut is the unbiased loss on frequencies that no model of this feature
	// map was fitted to, and HeldOutSE its standard error over frequencies and
	// latents.
	HeldOut, HeldOutSE float64
	// Floor is the expected loss of a perfect generator, from the noise of the
	// sketch of so many independent records, and Excess what HeldOut has above.
	Floor, Excess float64
	// EquivalentRecords is the number of true records whose sketch would be as
	// far from the stream's expectation as the generator is. When AtLeast, the
	// excess is below two standard errors and the number is a lower bound.
	EquivalentRecords float64
	AtLeast           bool
}

// Sizes of an evaluation: records of a group of latents, groups, and the
// fitted frequencies that give the training loss.
const (
	groupSize   = 4096
	groups      = 32
	quickGroups = 4
	fittedShown = 256
)

// Evaluate judges a model on a sketch. The same seed gives the same latents,
// so that the figures of two models of one shape differ by the models alone.
// A model of another feature map is compared in physical units. It panics with
// [ErrShape] when the model has another number of channels.
func Evaluate(t *Target, m *Model, seed uint64) Evaluation {
	return t.evaluate(m, seed, groups, 1)
}

func (t *Target) evaluate(m *Model, seed uint64, groups, threads int) Evaluation {
	if m.shape.dim != t.problem.dim {
		panic(ErrShape)
	}
	return t.judge(func() source { return m.source(t, seed, draw.Validation) }, groups, threads)
}

// judge measures a source at the held-out and some fitted frequencies.
func (t *Target) judge(sourceOf func() source, groups, threads int) Evaluation {
	p := t.problem
	held := len(p.heldOut)
	index := append(append([]int{}, p.heldOut...), p.train[:min(len(p.train), fittedShown)]...)
	r := measure(p, index, groups, groupSize, threads, sourceOf)
	loss, se, _ := r.loss(0, held)
	fitted, _, plain := r.loss(held, len(index))
	return t.figures(loss, se, fitted, plain)
}

// figures derives what follows from the losses and the sketch.
func (t *Target) figures(heldOut, se, fitted, plain float64) Evaluation {
	low, spread := floor(t.problem.z, t.problem.heldOut, t.problem.count)
	e := Evaluation{
		Unbiased: fitted, Biased: plain, HeldOut: heldOut, HeldOutSE: se,
		Floor: low, Excess: heldOut - low,
	}
	e.AtLeast = e.Excess < 2*se
	if excess := max(e.Excess, 2*se); excess > 0 {
		e.EquivalentRecords = spread / excess
	}
	return e
}

// Gaussian judges, on the same terms, the normal distribution of the sketch's
// mean and covariance, whose phasors are known:
//
//	phi_j = exp(2 pi i omega_j.mu - 2 pi^2 omega_j' Sigma omega_j)
func Gaussian(t *Target) Evaluation {
	p, d := t.problem, t.problem.dim
	mean := func(index []int) (loss, se float64) {
		var square float64
		for _, j := range index {
			omega := p.omega[j*d : j*d+d]
			var phase, form float64
			for k, a := range omega {
				phase += float64(a) * t.mean[k]
				for l, b := range omega {
					form += float64(a) * t.covariance[k*d+l] * float64(b)
				}
			}
			r := math.Exp(-2 * math.Pi * math.Pi * form)
			sin, cos := math.Sincos(2 * math.Pi * phase)
			l := biased(p.z[j], complex(r*cos, r*sin), 1)
			loss += l
			square += l * l
		}
		m := float64(len(index))
		loss /= m
		if m > 1 {
			se = math.Sqrt(max(0, square/m-loss*loss) / (m - 1))
		}
		return loss, se
	}
	held, se := mean(p.heldOut)
	fitted, _ := mean(p.train[:min(len(p.train), fittedShown)])
	return t.figures(held, se, fitted, fitted)
}
