package drift

import "math"

// maxOrder is the largest order of a coordinate's autoregression. Short references
// give order 1 at most.
const (
	maxOrder   = 3
	shortRange = 50
)

func orderFor(panes int) int {
	if panes < shortRange {
		return 1
	}
	return maxOrder
}

// autoregression fits the coefficients of x_t = sum_i a_i x_(t-i) + e_t to the centred
// column x by Burg's recursion, which keeps them stationary, at the order up to limit
// that the Bayesian information criterion prefers, which is returned.
func autoregression(x []float64, limit int) (a [maxOrder]float64, order int) {
	n := len(x)
	f := append([]float64(nil), x...)
	b := append([]float64(nil), x...)
	var power float64
	for _, v := range x {
		power += v * v
	}
	power /= float64(n)
	if power <= 0 {
		return a, 0
	}
	var at [maxOrder]float64
	best := float64(n) * math.Log(power)
	for m := 1; m <= limit && m < n; m++ {
		var num, den float64
		for t := m; t < n; t++ {
			num += f[t] * b[t-1]
			den += f[t]*f[t] + b[t-1]*b[t-1]
		}
		if den <= 0 {
			break
		}
		k := 2 * num / den
		last := at
		for i := range m - 1 {
			at[i] = last[i] - k*last[m-2-i]
		}
		at[m-1] = k
		for t := n - 1; t >= m; t-- {
			f[t], b[t] = f[t]-k*b[t-1], b[t-1]-k*f[t]
		}
		power *= max(1-k*k, 1e-12)
		if c := float64(n)*math.Log(power) + float64(m)*math.Log(float64(n)); c < best {
			best, a, order = c, at, m
		}
	}
	return a, order
}

// lagOne returns the first autocorrelation of the centred column x with Kendall's
// (1954) correction of its bias -(1 + 3 phi)/n, at most .99.
func lagOne(x []float64) float64 {
	var num, den float64
	for t, v := range x {
		den += v * v
		if t > 0 {
			num += v * x[t-1]
		}
	}
	if den <= 0 {
		return 0
	}
	r := num / den
	return min(r+(1+3*r)/float64(len(x)), .99)
}

// shrink moves the first autocorrelations phi of a group towards their mean, each by
// the share of its variance that n panes explain: (1 - mean²)/n.
func shrink(phi []float64, n int) {
	if len(phi) == 0 {
		return
	}
	var mean, spread float64
	for _, v := range phi {
		mean += v
	}
	mean /= float64(len(phi))
	noise := max(1-mean*mean, .05) / float64(n)
	share := .5
	if len(phi) > 2 {
		for _, v := range phi {
			spread += (v - mean) * (v - mean)
		}
		signal := max(spread/float64(len(phi)-1)-noise, 0)
		share = signal / (signal + noise)
	}
	for i := range phi {
		phi[i] = mean + share*(phi[i]-mean)
	}
}
