package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Dictionary seeks x = mu + D c with few atoms: c by orthogonal matching pursuit
// (Pati, Rezaiifar and Krishnaprasad, Asilomar 1993) on A D, with D learned from
// the prior's samples by the method of optimal directions (Engan, Aase and Husoy,
// ICASSP 1999), which alternates pursuit and least squares.
type Dictionary struct {
	Atoms int // twice the coordinates, at most 256
	// Sparsity is the number of atoms of a record; 0 is chosen by the error on
	// held-out generated records.
	Sparsity int
	Seed     uint64 // of the samples that the atoms start from
}

// Name returns "dictionary".
func (Dictionary) Name() string { return "dictionary" }

// atoms of records at most while learning, rounds of learning, and samples.
const (
	learnSparsity = 5
	learnRounds   = 10
	learnSamples  = 1500
)

// Prepare learns the dictionary and measures its atoms.
func (l Dictionary) Prepare(p *Prior, q Problem) (Solver, error) {
	if err := p.check(q); err != nil {
		return nil, err
	}
	if l.Atoms == 0 {
		l.Atoms = min(2*p.dim, 256)
	}
	if l.Atoms < 1 || l.Sparsity < 0 {
		return nil, fmt.Errorf("inverse: %w: a dictionary of %d atoms, %d at a time: give numbers above 0", ErrProblem, l.Atoms, l.Sparsity)
	}
	atoms := l.learn(p)
	a, sigma, whiten := q.white()
	measured := project(a, atoms) // a row for each atom
	rows, _ := a.Dims()
	expected := make([]float64, rows)
	a.Apply(expected, p.mean)
	solve := func(y []float64, sparsity int) []float64 {
		if whiten != nil {
			y = whiten(y)
		}
		r := append([]float64(nil), y...)
		axpy(-1, expected, r)
		chosen, c := pursue(measured, r, sparsity, sigma*math.Sqrt(float64(rows)))
		x := append([]float64(nil), p.mean...)
		for i, j := range chosen {
			axpy(c[i], atoms.RawRowView(j), x)
		}
		return x
	}
	if l.Sparsity == 0 {
		choices := []int{1, 2, 3, 5, 8, 12}
		l.Sparsity = choices[p.tune(q, len(choices), func(i int, y []float64) []float64 { return solve(y, choices[i]) })]
	}
	return solverFunc{l.Name(), rows, func(y []float64) (x, sd []float64) { return solve(y, l.Sparsity), nil }}, nil
}

// learn returns the atoms, a row of length 1 for each.
func (l Dictionary) learn(p *Prior) *mat.Dense {
	rng := rand.New(rand.NewPCG(l.Seed, 0x64696374))
	n, d := min(learnSamples, p.Samples()), p.dim
	x := mat.NewDense(n, d, nil)
	for i, from := range rng.Perm(p.Samples())[:n] {
		row := x.RawRowView(i)
		copy(row, p.x.RawRowView(from))
		axpy(-1, p.mean, row)
	}
	atoms := mat.NewDense(l.Atoms, d, nil)
	renew := func(j int) {
		row := atoms.RawRowView(j)
		copy(row, x.RawRowView(rng.IntN(n)))
		for k := range row {
			row[k] += 1e-6 * rng.NormFloat64()
		}
		scale(row, 1/math.Sqrt(dot(row, row)+1e-300))
	}
	for j := range l.Atoms {
		renew(j)
	}
	for range learnRounds {
		codes := mat.NewDense(n, l.Atoms, nil)
		for i := range n {
			chosen, c := pursue(atoms, append([]float64(nil), x.RawRowView(i)...), learnSparsity, 0)
			for s, j := range chosen {
				codes.Set(i, j, c[s])
			}
		}
		gram := mat.NewSymDense(l.Atoms, nil)
		gram.SymOuterK(1, codes.T())
		addDiagonal(gram, 1e-6*mat.Trace(gram)/float64(l.Atoms)+1e-300)
		var f mat.Cholesky
		if !f.Factorize(gram) {
			return atoms
		}
		var cross, next mat.Dense
		cross.Mul(codes.T(), x)
		if err := f.SolveTo(&next, &cross); err != nil && !condition(err) {
			return atoms
		}
		for j := range l.Atoms {
			row := next.RawRowView(j)
			length := math.Sqrt(dot(row, row))
			if length < 1e-9 { // No record uses it.
				renew(j)
				continue
			}
			scale(row, 1/length)
			copy(atoms.RawRowView(j), row)
		}
	}
	return atoms
}

// pursue returns at most count rows of atoms and the coefficients with which
// they come nearest to r, stopping where what is left is no longer than
// tolerance. It overwrites r with what is left.
func pursue(atoms *mat.Dense, r []float64, count int, tolerance float64) (chosen []int, c []float64) {
	n, m := atoms.Dims()
	target := append([]float64(nil), r...)
	lengths := make([]float64, n)
	for j := range n {
		lengths[j] = math.Sqrt(dot(atoms.RawRowView(j), atoms.RawRowView(j)))
	}
	used := make([]bool, n)
	basis := mat.NewDense(min(count, m), m, nil) // orthonormal rows
	var triangle [][]float64                     // the atoms in that basis
	for len(chosen) < min(count, m) && math.Sqrt(dot(r, r)) > tolerance {
		best, most := -1, 1e-12
		for j := range n {
			if v := math.Abs(dot(atoms.RawRowView(j), r)) / (lengths[j] + 1e-300); !used[j] && v > most {
				best, most = j, v
			}
		}
		if best < 0 {
			break
		}
		used[best] = true
		k := len(chosen)
		row := basis.RawRowView(k)
		copy(row, atoms.RawRowView(best))
		parts := make([]float64, k+1)
		for i := range k {
			parts[i] = dot(basis.RawRowView(i), row)
			axpy(-parts[i], basis.RawRowView(i), row)
		}
		length := math.Sqrt(dot(row, row))
		if length < 1e-9*lengths[best] { // It depends on those chosen before.
			continue
		}
		parts[k] = length
		scale(row, 1/length)
		chosen, triangle = append(chosen, best), append(triangle, parts)
		axpy(-dot(row, r), row, r)
	}
	c = make([]float64, len(chosen))
	for i := len(chosen) - 1; i >= 0; i-- {
		v := dot(basis.RawRowView(i), target)
		for j := i + 1; j < len(chosen); j++ {
			v -= triangle[j][i] * c[j]
		}
		c[i] = v / triangle[i][i]
	}
	return chosen, c
}
