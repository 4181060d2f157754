//go:build amd64 && !noasm

package kernel

var avx512 = &Set{
	Name:  "avx512",
	addTN: addTN512, addNN: addNN512, addNT: addNT512,
	sums: sumsAVX512, pull: pullAVX512,
	tanh: func(x, bias []float32, n int) {
		tanh512(&x[0], &bias[0], len(bias), n)
	},
	through: func(bias, dh, h []float32, n int) {
		through512(&bias[0], &dh[0], &h[0], len(bias), n)
	},
	adam: func(w, g, m, v []float32, p [7]float32) {
		adam512(&w[0], &g[0], &m[0], &v[0], len(w), &p)
	},
	average: func(mean, x []float32, p [2]float32) { average512(&mean[0], &x[0], len(x), &p) },
	add:     func(dst, x []float32) { add512(&dst[0], &x[0], len(x)) },
}

var avx2 = &Set{
	Name:  "avx2",
	addTN: addTN256, addNN: addNN256, addNT: addNT256,
	sums: sumsAVX2, pull: pullAVX2,
	tanh: func(x, bias []float32, n int) {
		tanh256(&x[0], &bias[0], len(bias), n)
	},
	through: func(bias, dh, h []float32, n int) {
		through256(&bias[0], &dh[0], &h[0], len(bias), n)
	},
	adam: func(w, g, m, v []float32, p [7]float32) {
		adam256(&w[0], &g[0], &m[0], &v[0], len(w), &p)
	},
	average: func(mean, x []float32, p [2]float32) { average256(&mean[0], &x[0], len(x), &p) },
	add:     func(dst, x []float32) { add256(&dst[0], &x[0], len(x)) },
}
