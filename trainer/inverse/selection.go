package inverse

// smallest returns the number of rank k (from 0) of v, which it leaves as it is.
// It is Hoare's selection (Communications of the ACM 4, 1961) on a copy.
func smallest(v []float64, k int) float64 {
	v = append([]float64(nil), v...)
	lo, hi := 0, len(v)-1
	for lo < hi {
		pivot := median(v[lo], v[(lo+hi)/2], v[hi])
		i, j := lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}

func median(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }
