package sketch

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"phasor/sketcher/feature"
	"phasor/sketcher/feature/featuretest"
)

func TestWideIsBigInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Int64().Draw(t, "x"), rapid.Int64().Draw(t, "y")
		product := times(x, y)
		exact := new(big.Int).Mul(big.NewInt(x), big.NewInt(y))
		if product.int().Cmp(exact) != 0 {
			t.Fatalf("times: %v", product.int())
		}
		f, _ := new(big.Float).SetInt(exact).Float64()
		if got := product.float(); math.Abs(got-f) > 5e-16*math.Abs(f) {
			t.Fatalf("float: %v, want %v", got, f)
		}
		if product.negated().int().Cmp(new(big.Int).Neg(exact)) != 0 {
			t.Fatalf("negated: %v", product.negated().int())
		}
		other := narrow(y)
		if product.minus(other).int().Cmp(new(big.Int).Sub(exact, big.NewInt(y))) != 0 {
			t.Fatalf("minus: %v", product.minus(other).int())
		}
		if product.less(other) != (exact.Cmp(big.NewInt(y)) < 0) {
			t.Fatal("less")
		}
		if product.fits() != exact.IsInt64() {
			t.Fatal("fits")
		}
		high := rapid.Int64Range(-1<<61, 1<<61).Draw(t, "high")
		joined := join(high, x)
		want := new(big.Int).Lsh(big.NewInt(high), 32)
		want.Add(want, big.NewInt(x))
		if joined.int().Cmp(want) != 0 {
			t.Fatalf("join: %v, want %v", joined.int(), want)
		}
		if back := new(big.Int).Rsh(want, 32); joined.high() != back.Int64() {
			t.Fatalf("high: %v, want %v", joined.high(), back)
		}
	})
}

// doubled merges a with itself until it holds n times 2^k records.
func doubled(t *testing.T, a *Accumulator, k int) *Accumulator {
	t.Helper()
	for range k {
		if err := a.Merge(a); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// Sums beyond 64 bits are exact: an accumulator that is merged with itself k times
// holds the sums of one, shifted by k.
func TestSumsBeyond64Bits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := featuretest.Map(1, 3, 32)
	q := featuretest.Quantised(rng, 7, 3)
	q[0], q[3], q[6] = feature.Limit, feature.Limit, -feature.Limit
	for _, k := range []int{1, 29, 30, 31, 40, 59} {
		one, many := folded(m, q), doubled(t, folded(m, q), k)
		for i := range one.low {
			want := new(big.Int).Lsh(one.sum(i).int(), uint(k))
			if many.sum(i).int().Cmp(want) != 0 {
				t.Fatalf("2^%d: sum %d is %v, want %v", k, i, many.sum(i).int(), want)
			}
		}
		z, w := one.Phasor(nil), many.Phasor(nil)
		for j := range z {
			if e := z[j] - w[j]; math.Hypot(real(e), imag(e)) > 1e-15 {
				t.Fatalf("2^%d: z[%d] %v became %v", k, j, z[j], w[j])
			}
		}
		c, e := one.Covariance(nil), many.Covariance(nil)
		for i := range c {
			if math.Abs(c[i]-e[i]) > 1e-14*math.Abs(c[i]) {
				t.Fatalf("2^%d: covariance %v became %v", k, c[i], e[i])
			}
		}
		back, err := Decode([]byte(encode(t, many)))
		if err != nil {
			t.Fatal(err)
		}
		if !back.Equal(many) || back.Equal(one) {
			t.Fatalf("2^%d: came back different", k)
		}
		// Small and large ones join in both orders, whatever their inner form.
		if err := back.Bind(m); err != nil {
			t.Fatal(err)
		}
		back.Fold(q)
		if err := one.Merge(many); err != nil {
			t.Fatal(err)
		}
		many.Fold(q)
		if !one.Equal(many) || !back.Equal(many) || encode(t, one) != encode(t, back) || !many.Clone().Equal(one) {
			t.Fatalf("2^%d: the order of joining matters", k)
		}
	}
}
