// Package generator fits a generative network to a sketch alone (Schellekens,
// Jacques, ESANN 2020, arXiv 2002.05095). The sketch z_j is the mean of
// phi_j(x) = exp(2 pi i omega_j.x) over the records x of a stream, in standard
// units and with frequencies omega_j in turns; the generator G takes normal
// latents u to records so that
//
//	min over G of mean_j |z_j - E phi_j(G(u))|^2
//
// with
//
//	G(u) = T(mu + L u + W_out' h_3 + b_out)
//	h_l  = tanh(W_l' h_(l-1) + b_l),  h_0 = u ~ N(0, I_k)
//
// mu and L start at the mean and the Cholesky factor of the sketch's
// covariance. T is the output map, a monotone map of each channel that is not
// fitted but read off the sketch's histograms: it gives every bin its share of
// the records and every stored value exactly.
//
// # A fit
//
// [NewTarget] reads a sketch, [NewFitter] prepares, [Fitter.Step] works in as
// many steps at a time as the caller likes, and [Fitter.Model] gives the
// averaged weights with their output map. A step draws fresh latents, sums the
// phasors of a batch under a random subset of the frequencies, and takes an
// Adam step along the gradient of the unbiased loss (see loss.go). The
// learning rate falls along half a cosine; [Fitter.SetSteps] moves its end, and
// so does a fit that its sketch can no longer tell from the stream.
//
// The package does no input or output, knows no clock, and draws its random
// numbers from numbered streams of the seeds it is given. Equal inputs give
// equal bits on one kernel, whatever the number of threads. The kernel, AVX-512,
// AVX2 or portable Go, goes with that of package feature and so with PHASOR_KERNEL.
//
// # Evaluation
//
// A tenth of the frequencies, chosen by the seed of the feature map, is never
// fitted. The unbiased loss there, above the floor
//
//	F = mean_j (1 - |z_j|^2)/(N - 1)
//
// that the noise of N independent records leaves even to a perfect generator,
// is the excess D. A sketch of N' true records would have an excess of
// mean_j (1 - |z_j|^2)/N', so that
//
//	N_eq = mean_j (1 - |z_j|^2) / max(D, 2 SE)
//
// is the number of true records that the generator is worth. All of it is
// measured on records that have passed the output map, as they are served. The
// output map is read from the same records as z, so that on few records both
// share their noise and D may fall below zero; N_eq is then a lower bound.
//
// # FORMAT
//
// A model is a safetensors file of package phasor/snapshot/safetensors with
// these metadata:
//
//	format                     phasor.model/1
//	map                        fingerprint of the feature map, hexadecimal
//	channels, transforms, kinds  JSON lists of strings, one a channel
//	seed, steps, records       of the fit, decimal
//	loss_unbiased, loss_biased, loss_heldout, loss_heldout_se, loss_floor,
//	loss_excess, equivalent_records, at_least
//	                           the evaluation on the sketch that was fitted
//	card.NAME                  field NAME of the model's card, any text
//
// and these tensors, for k latents, h hidden units and d channels, matrices
// with a row for each input:
//
//	hidden.1.weight F32 [k,h]   hidden.2.weight, hidden.3.weight F32 [h,h]
//	hidden.1.bias, hidden.2.bias, hidden.3.bias F32 [h]
//	out.weight F32 [h,d]        out.bias F32 [d] (mu + b_out)
//	linear.weight F32 [k,d] (L')
//	map.x F64 [d,129]           map.lo, map.hi, map.value F64 [d,128]
//	map.off U8 [d]              offset, scale F64 [d]
//
// The network's output v of a channel whose map.off is 0 lies in bin b, the one
// with x[b] <= v < x[b+1]; below the first and above the last it counts to the
// outermost bin with a width. If map.value of the bin is a number, that is the
// record's value in physical units. If it is NaN, the value in standard units
// is y = lo[b] + (hi[b]-lo[b]) (v-x[b])/(x[b+1]-x[b]), within [lo[b], hi[b]],
// and the physical value is the inverse transform of y/scale + offset; with
// map.off of 1 the same holds for y = v. Within a row, x does not fall, and
// lo[b] <= hi[b].
package generator
