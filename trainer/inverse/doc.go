// Package inverse solves
//
//	y = A x + w,   w ~ N(0, sigma^2 I)
//
// for a record x of n numbers that is known to come from a stream, of which the
// generator G of package phasor/trainer/generator, u ~ N(0, I) to x = G(u), is
// the prior. A is a linear [Operator] of n numbers to m measurements: missing
// channels, noise alone, random projections, a blur, a scanner.
//
// # How
//
// A [Prior] holds samples of the generator and their moments, a [Problem] the
// operator and the noise, and a [Method] prepares what does not depend on y into
// a [Solver]:
//
//	prior, err := inverse.NewPrior(model, 0, 1)
//	problem := inverse.Problem{A: inverse.Mask(8, seen), Noise: inverse.White(0.03)}
//	solver, err := inverse.Sampling{}.Prepare(prior, problem)
//	answer := solver.Solve(y)
//
// Records are in whatever units the prior's samples have; those of a model's
// own Generate are standard units. A prior of whole signals or images comes from
// a generator of their [Components].
//
// # Methods
//
// With the generator: [Sampling] (the default), [Latent], [Hybrid], [Amortised],
// and [Witness], whose regulariser is learned from the samples. Without:
// [Gaussian] (Wiener), [Tikhonov], [Mixture], [TotalVariation], [Sparse],
// [Dictionary], [BackProjection], [ZeroFilling]. [Blind] deconvolution also finds
// the operator. Parameters that are not given are chosen by the errors on
// held-out generated records, never by the record that is sought.
//
// [Recommend] measures methods on held-out generated records and says which to
// use for a problem, and when the generator adds nothing to a Gaussian.
//
// The package does no input or output, knows no clock, and takes its random
// numbers from seeds: equal inputs give equal answers on one kind of processor.
package inverse
