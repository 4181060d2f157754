// Package mixture decodes Gaussian mixtures and k-means centres from a sketch alone (Keriven, Bourrier, Gribonval, Perez,
// Sketching for large-scale learning of mixture models, arXiv 1606.02838). The sketch z_j is the mean of
// exp(i w_j.x) over the records x of a stream, in standard units and with w_j in radians. A normal distribution has
//
//	A_j(mu, Sigma) = exp(i w_j.mu - w_j' Sigma w_j / 2)
//
// so that a mixture of K of them is the solution of
//
//	min over alpha >= 0, mu, Sigma of sum_j |z_j - sum_k alpha_k A_j(mu_k, Sigma_k)|^2
//
// [Fit] solves it by orthogonal matching pursuit with replacement (CLOMPR): in each of 2K rounds it looks for the atom
// that fits what is left best, by L-BFGS from the best of many random starts, adds it, drops all but the K heaviest by
// non-negative least squares, and improves weights and atoms together by L-BFGS.
//
// [Means] decodes the K centres of k-means. Their cost is that of a density, so they are found in two steps: a mixture
// is decoded from the sketch, and the centres are those of Lloyd's iteration on records drawn from it.
//
// The package does no input or output and knows no clock; equal seeds give equal results.
package mixture
