package generator

import "math"

// The loss of a batch y_1 .. y_B with phasor sums S_j = sum_b phi_j(y_b) is
// the unbiased estimate of mean_j |z_j - E phi_j(G(u))|^2:
//
//	L = (1/m) sum_j |z_j|^2 - 2 Re(conj(z_j) S_j)/B + (|S_j|^2 - B)/(B(B-1))
//
// because |phi| = 1 makes (|S|^2 - B)/(B(B-1)) the mean over pairs of distinct
// records. Its gradient is that of the plain squared distance with a residual
// of another denominator:
//
//	dL/dy_b = -(2/(B m)) Re sum_j conj(r_j) (2 pi i omega_j) phi_j(y_b)
//	r_j = z_j - S_j/(B-1)
//
// Leaving the bias in shrinks the generator: at B = 32 in ten dimensions its
// scale by an eighth.

// unbiased returns one frequency's term of the loss for the phasor sum s of n
// records.
func unbiased(z, s complex128, n float64) float64 {
	re, im := real(s), imag(s)
	return real(z)*real(z) + imag(z)*imag(z) - 2*(real(z)*re+imag(z)*im)/n + (re*re+im*im-n)/(n*(n-1))
}

// biased returns the squared distance between z and the mean phasor.
func biased(z, s complex128, n float64) float64 {
	re, im := real(z)-real(s)/n, imag(z)-imag(s)/n
	return re*re + im*im
}

// residuals writes r_j times 4 pi/(B m) to re and im and returns the loss.
func residuals(re, im []float32, z, sums []complex128, batch int) float64 {
	n, m := float64(batch), float64(len(z))
	scale := 4 * math.Pi / (n * m)
	var loss float64
	for j, zj := range z {
		r := zj - complex(real(sums[j])/(n-1), imag(sums[j])/(n-1))
		re[j], im[j] = float32(scale*real(r)), float32(scale*imag(r))
		loss += unbiased(zj, sums[j], n)
	}
	return loss / m
}

// floor returns F, the expected loss of a perfect generator at a sketch of n
// independent records, and the mean of 1 - |z_j|^2:
//
//	F = mean_j (1 - |z_j|^2)/(n - 1)
func floor(z []complex128, index []int, n float64) (floor, spread float64) {
	for _, j := range index {
		spread += 1 - real(z[j])*real(z[j]) - imag(z[j])*imag(z[j])
	}
	spread = max(0, spread/float64(len(index)))
	return spread / max(1, n-1), spread
}
