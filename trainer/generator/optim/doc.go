// Package optim holds the optimiser of a fit: Adam (Kingma, Ba, ICLR 2015) and a
// cosine schedule that can be shortened while it runs.
//
// All state is a flat vector in single precision, so that a checkpoint is a
// copy.
package optim
