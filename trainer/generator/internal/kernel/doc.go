// Package kernel holds the arithmetic of a fit in single precision: three matrix
// products, the phasors of generated records, the hyperbolic tangent and the
// optimiser's update. Matrices are row-major without padding.
//
//	AddTN   C += A' B     A is k by m, B is k by n, C is m by n
//	AddNN   C += A B      A is m by k, B is k by n, C is m by n
//	AddNT   C += A B'     A is m by k, B is n by k, C is m by n
//
// With activations stored unit by unit (one row a unit, one column a record)
// the forward pass of a network is AddTN, the gradient of its activations AddNN
// and the gradient of its weights AddNT.
//
// # Kernels
//
// A kernel is a [Set] of these functions: avx512 and avx2 in generated assembly,
// portable in plain Go on the products of Gonum. [Select] takes the one that
// belongs to the kernel of package feature, and so obeys PHASOR_KERNEL.
//
// The assembly keeps tiles of C in registers, where each element is a chain of
// fused multiply-adds in increasing order of k: it depends neither on the tile it
// lies in nor on the shape of C. Equal inputs give equal bits on one kernel.
package kernel
