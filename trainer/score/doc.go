// Package score says how odd a record is, given the sketch of a stream and the generator that was fitted to it. It has
// two measures, both in the standard units y of the feature map:
//
//	density   f(y) = (1/m) sum_j Re(conj(z_j) phi_j(y)),   phi_j(y) = exp(2 pi i omega_j.y)
//	distance  e(y) = min over |u| <= R of |W (y - G(u))| / sqrt(d)
//
// The density is the mean over the stream's records x of the kernel (1/m) sum_j cos(2 pi omega_j.(y - x)), which is 1 at
// x itself and falls off at the scales of the frequencies; where there is nothing it is noise around 0. The distance is
// that to the records that the generator G makes of latents u that it would be likely to draw, in coordinates W in
// which its records have no correlations and variance 1.
//
// Both become quantiles: the share of the generator's own records that are less odd. Beyond the oddest of them a
// distance still counts, by an exponential tail fitted to the largest tenth (Pickands 1975), so that records far away
// are told apart. How odd a record is says the odder of the two, with its share doubled for having looked twice.
//
// The package does no input or output and knows no clock; equal seeds give equal scores.
package score
