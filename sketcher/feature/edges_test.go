package feature

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func counts(q []int32) valueCounts {
	p := &pilotSet{n: len(q), d: 1, q: make([]int32, len(q))}
	x := make([]float64, len(q))
	for i, v := range q {
		x[i] = float64(v) / Unit
	}
	return p.quantiseColumn(x, 0, 0, 1)
}

// checkEdges holds what is true of every histogram.
func checkEdges(t interface {
	Helper()
	Fatalf(string, ...any)
}, values, atoms valueCounts, edges *[Bins + 1]int32, stored *[Bins]int32) {
	t.Helper()
	last := slices.Index(edges[:], edges[Bins])
	for b := 1; b <= Bins; b++ {
		if b <= last && edges[b] <= edges[b-1] || b > last && edges[b] != edges[last] {
			t.Fatalf("edges %v: wrong order at %d", edges, b)
		}
	}
	for _, e := range edges {
		if e%fineCell != 0 || e > Limit+1 || e < -Limit-1 {
			t.Fatalf("edge %d", e)
		}
	}
	bins := newBinning(edges[:])
	for _, v := range values {
		if got := bins.bin(v.q); int(got) != binOf(edges, v.q) {
			t.Fatalf("%d: bin %d, want %d", v.q, binOf(edges, v.q), got)
		}
	}
	for b, q := range stored {
		isAtom := slices.ContainsFunc(values, func(a valueCount) bool { return a.q == q && binOf(edges, q) == b })
		if middle := (int64(edges[b]) + int64(edges[b+1])) / 2; !isAtom && math.Abs(float64(middle)-float64(q)) > 1 {
			t.Fatalf("bin %d [%d, %d) has value %d", b, edges[b], edges[b+1], q)
		}
	}
	for _, a := range atoms {
		b := binOf(edges, a.q)
		if width := edges[b+1] - edges[b]; width > 0 && width < cell {
			continue // Its cell is parted: see TestPartedCells.
		}
		if stored[b] != a.q && share(values, a.q) >= prevails {
			t.Fatalf("atom %d has the value %d", a.q, stored[b])
		}
		lo, hi := cellOf(a.q)*cell, (cellOf(a.q)+1)*cell
		if edges[b] != int32(lo) || edges[b+1] != int32(hi) && b < Bins-1 {
			t.Fatalf("atom %d has the bin [%d, %d)", a.q, edges[b], edges[b+1])
		}
	}
}

// share is the part of the records of q's cell that are q.
func share(values valueCounts, q int32) float64 {
	all, same := 0, 0
	for _, v := range values {
		if cellOf(v.q) == cellOf(q) {
			all += v.count
		}
		if v.q == q {
			same += v.count
		}
	}
	return float64(same) / float64(all)
}

// TestPartedCells has a cell of ten values a few quanta apart, as of an instrument with a fine step, beside one value
// that prevails: each of the ten has a
// bin of its own and stands for it.
func TestPartedCells(t *testing.T) {
	var q []int32
	for i := range int32(10_000) {
		switch {
		case i < 4000:
			q = append(q, 3*cell+64*(i%10)+7)
		case i < 7000:
			q = append(q, 900)
		default:
			q = append(q, i*11)
		}
	}
	slices.Sort(q)
	values := counts(q)
	atoms := findAtoms(values, len(q))
	edges, stored := histogram(values, atoms)
	checkEdges(t, values, atoms, &edges, &stored)
	for i := range int32(10) {
		v := 3*cell + 64*i + 7
		b := binOf(&edges, v)
		if stored[b] != v {
			t.Errorf("%d has the bin [%d, %d) with the value %d", v, edges[b], edges[b+1], stored[b])
		}
	}
	if b := binOf(&edges, 900); stored[b] != 900 || edges[b+1]-edges[b] != cell {
		t.Errorf("900 prevails in its cell and has the bin [%d, %d) with the value %d", edges[b], edges[b+1], stored[b])
	}
}

func TestHistogramOfSmoothValues(t *testing.T) {
	x := gaussianPilot(10_000, 1, 4)
	q := make([]int32, len(x))
	for i, v := range x {
		q[i] = int32(v * Unit)
	}
	values := counts(q)
	edges, stored := histogram(values, nil)
	checkEdges(t, values, nil, &edges, &stored)

	lo, hi := slices.Min(q), slices.Max(q)
	var inner []int32
	var below, above []int32
	for _, e := range slices.Compact(slices.Clone(edges[:])) {
		switch {
		case e+cell <= lo:
			below = append(below, e)
		case e-cell > hi:
			above = append(above, e)
		default:
			inner = append(inner, e)
		}
	}
	if len(below) != 4 || len(above) != 4 || len(inner) < 100 {
		t.Fatalf("%d edges below, %d inside, %d above the pilot", len(below), len(inner), len(above))
	}
	first, last := inner[0], inner[len(inner)-1]
	if first > lo || last <= hi {
		t.Errorf("the pilot [%d, %d] is not within the edges [%d, %d]", lo, hi, first, last)
	}
	for i := range 3 {
		if above[i+1]-last != 2*(above[i]-last) || first-below[i] != 2*(first-below[i+1]) {
			t.Errorf("outside edges %v %v of [%d, %d] do not double their distance", below, above, first, last)
		}
	}
	if step := above[0] - last; math.Abs(float64(step)-float64(last-first)/8) > cell {
		t.Errorf("the first outside edge is %d away of a range of %d", step, last-first)
	}
	// Half the edges part the mass, half the width; 121 are inside.
	for b := range inner[1:] {
		n := 0
		for _, v := range q {
			if v >= inner[b] && v < inner[b+1] {
				n++
			}
		}
		if width := inner[b+1] - inner[b]; width > (last-first)/60+cell {
			t.Errorf("bin [%d, %d) is wider than a 60th", inner[b], inner[b+1])
		} else if width > cell && n > len(q)/61+len(q)/200 {
			t.Errorf("bin [%d, %d) holds %d records, more than a 61st and what a cell holds", inner[b], inner[b+1], n)
		}
	}
}

func TestAtoms(t *testing.T) {
	var q []int32
	add := func(v int32, times int) {
		for range times {
			q = append(q, v)
		}
	}
	add(100, 20)             // 0.2 %
	add(101, 19)             // the same cell, less
	add(5*cell+7, 19)        // too few
	add(-9*Unit+3, 40)       // beyond the grid
	add(Limit, 30)           // at the ends
	add(-Limit, 30)          //
	add(cell*20, 300)        // two equals in one cell: the smaller
	add(cell*20+5, 300)      //
	for len(q) < 10_000-10 { // all different
		q = append(q, int32(len(q)*64))
	}
	add(7, 10)
	slices.Sort(q)
	q = q[:10_000]
	values := counts(q)
	atoms := findAtoms(values, len(q))
	want := valueCounts{{-Limit, 30}, {-9*Unit + 3, 40}, {100, 20}, {cell * 20, 300}, {Limit, 30}}
	if !slices.Equal(atoms, want) {
		t.Fatalf("atoms %v, want %v", atoms, want)
	}
	edges, stored := histogram(values, atoms)
	checkEdges(t, values, atoms, &edges, &stored)

	if a := findAtoms(counts([]int32{5, 5, 5, 5, 5, 5, 5, 5, 5}), 9); len(a) != 0 {
		t.Errorf("nine records made the atom %v", a)
	}
}

func TestManyAtoms(t *testing.T) {
	for _, spacing := range []int32{cell, 2 * cell, 3*cell + 1, 20 * cell, 150 * cell} {
		for _, number := range []int{60, 61, 64, 100} {
			var q []int32
			for a := range number {
				for range 20 + a {
					q = append(q, (int32(a)-50)*spacing+3)
				}
			}
			values := counts(q)
			atoms := findAtoms(values, len(q))
			if len(atoms) != min(number, maxAtoms) || atoms[len(atoms)-1].count != 20+number-1 || atoms[0].count != 20+max(0, number-maxAtoms) {
				t.Fatalf("%d atoms of %d: %v", len(atoms), number, atoms)
			}
			edges, stored := histogram(values, atoms)
			checkEdges(t, values, atoms, &edges, &stored)
		}
	}
}

func TestHistogramOfOneValue(t *testing.T) {
	values := counts(make([]int32, 3))
	edges, stored := histogram(values, nil)
	checkEdges(t, values, nil, &edges, &stored)
	if b := binOf(&edges, 0); edges[b] != 0 || edges[b+1] != cell || b == 0 || b == Bins-1 {
		t.Errorf("zero is in bin %d of %v", b, edges)
	}
	if b := binOf(&edges, -1); edges[b+1] != 0 {
		t.Errorf("-1 is in bin %d", b)
	}
}

func TestHistogramOfAnyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		rng := pilotRand(rapid.Uint64().Draw(t, "seed"))
		spread := rapid.SampledFrom([]float64{1, 1e2, 1e4, 1e6, 1e7}).Draw(t, "spread")
		different := rapid.IntRange(1, 200).Draw(t, "different")
		pool := make([]int32, different)
		for i := range pool {
			pool[i] = int32(min(max(rng.NormFloat64()*spread, -Limit), Limit))
		}
		q := make([]int32, n)
		for i := range q {
			q[i] = pool[rng.IntN(different)]
		}
		values := counts(q)
		atoms := findAtoms(values, n)
		edges, stored := histogram(values, atoms)
		checkEdges(t, values, atoms, &edges, &stored)
	})
}
