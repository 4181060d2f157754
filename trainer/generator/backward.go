package generator

// backward adds to g the gradient of the weights for the gradient t.dy at the
// records of a tape that forward has filled. It overwrites t.dh.
func (w *weights) backward(g *weights, t *tape) {
	n, h, d := t.width, w.units, w.dim
	t.set.AddNT(g.mean, t.dy, ones[:n], d, 1, n)
	t.set.AddNT(g.linear, t.u, t.dy, w.latent, d, n)
	t.set.AddNT(g.out, t.h[layers-1], t.dy, h, d, n)

	dh := t.dh[0]
	clear(dh)
	t.set.AddNN(dh, w.out, t.dy, h, n, d)
	for l := layers - 1; ; l-- {
		t.set.Through(g.bias[l], dh, t.h[l], n)
		if l == 0 {
			t.set.AddNT(g.hidden[0], t.u, dh, w.latent, h, n)
			t.dh[0] = dh
			return
		}
		t.set.AddNT(g.hidden[l], t.h[l-1], dh, h, h, n)
		next := t.dh[1]
		clear(next)
		t.set.AddNN(next, w.hidden[l], dh, h, n, h)
		t.dh[1], dh = dh, next
	}
}

// latentGradient writes the gradient at the latents to du, latent by width,
// for the gradient t.dy at the records of a tape that backward has passed: the
// gradient at the first layer is still there.
func (w *weights) latentGradient(du []float32, t *tape) {
	clear(du)
	t.set.AddNN(du, w.hidden[0], t.dh[0], w.latent, t.width, w.units)
	t.set.AddNN(du, w.linear, t.dy, w.latent, t.width, w.dim)
}

var ones = func() (v [block]float32) {
	for i := range v {
		v[i] = 1
	}
	return v
}()
