package evaluate

import (
	"slices"
	"testing"
)

func TestLate(t *testing.T) {
	changes := []int{100, 300, 400}
	for _, c := range []struct {
		alarms []int
		late   int
	}{
		{nil, 0},
		{[]int{90, 110}, 0},       // before a change, and soon after it
		{[]int{110, 180}, 0},      // not the first after it
		{[]int{180, 290}, 1},      // the first after it, and one more
		{[]int{320, 390, 480}, 1}, // soon, again, late
	} {
		if got := Late(c.alarms, changes, 50); got != c.late {
			t.Errorf("%v: %d late, want %d", c.alarms, got, c.late)
		}
	}
}

func TestShuffledKeepsRows(t *testing.T) {
	x := Table{Names: []string{"a", "b"}}
	for i := range 100 {
		x.Rows = append(x.Rows, float64(i), float64(-i))
	}
	s := x.Shuffled(1)
	if slices.Equal(s.Rows, x.Rows) || !slices.Equal(s.Rows, x.Shuffled(1).Rows) {
		t.Error("the order is the old one, or not that of the seed")
	}
	var first []float64
	for i := range s.Len() {
		if s.Rows[2*i] != -s.Rows[2*i+1] {
			t.Fatalf("row %d: %v and %v are of different rows", i, s.Rows[2*i], s.Rows[2*i+1])
		}
		first = append(first, s.Rows[2*i])
	}
	slices.Sort(first)
	for i, v := range first {
		if v != float64(i) {
			t.Fatalf("row %d is missing", i)
		}
	}
}
