package kernel

// AddTN adds A'B to C, where A is k by m, B is k by n and C is m by n. It
// panics with ErrShape when a slice is too short.
func (s *Set) AddTN(c, a, b []float32, m, n, k int) {
	if fits(c, a, b, m, n, k) {
		s.addTN(c, a, b, m, n, k)
	}
}

// AddNN adds AB to C, where A is m by k, B is k by n and C is m by n. It
// panics with ErrShape when a slice is too short.
func (s *Set) AddNN(c, a, b []float32, m, n, k int) {
	if fits(c, a, b, m, n, k) {
		s.addNN(c, a, b, m, n, k)
	}
}

// AddNT adds AB' to C, where A is m by k, B is n by k and C is m by n. It
// panics with ErrShape when a slice is too short.
func (s *Set) AddNT(c, a, b []float32, m, n, k int) {
	if fits(c, a, b, m, n, k) {
		s.addNT(c, a, b, m, n, k)
	}
}

// fits says whether there is anything to add.
func fits(c, a, b []float32, m, n, k int) bool {
	if m < 0 || n < 0 || k < 0 || len(c) < m*n || len(a) < m*k || len(b) < n*k {
		panic(ErrShape)
	}
	return m > 0 && n > 0 && k > 0
}
