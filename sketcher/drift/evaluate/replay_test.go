package evaluate

import (
	"slices"
	"testing"
)

func TestMatch(t *testing.T) {
	changes := []int{100, 300, 400}
	for _, c := range []struct {
		alarms              []int
		found, late, others int
		delays              []float64
	}{
		{nil, 0, 0, 0, nil},
		{[]int{90, 110}, 1, 0, 1, []float64{10}}, // before a change, and soon after it
		{[]int{110, 120, 180}, 1, 0, 1, []float64{10}},
		{[]int{180, 290}, 0, 1, 1, nil},
		{[]int{100, 101, 150, 151}, 1, 0, 2, []float64{1}}, // at a change is before it
		{[]int{320, 390, 480}, 1, 1, 1, []float64{20}},
		{[]int{130, 305, 450}, 3, 0, 0, []float64{5, 30, 50}},
	} {
		got := Match(c.alarms, changes, 50)
		if got.Found != c.found || got.Late != c.late || got.Others != c.others || !slices.Equal(got.Delays, c.delays) {
			t.Errorf("%v: %+v, want %d found, %d late, %d others, %v", c.alarms, got, c.found, c.late, c.others, c.delays)
		}
	}
	if got := Match([]int{1, 2}, nil, 50); got.Others != 2 || got.Found+got.Late != 0 {
		t.Errorf("alarms without a change: %+v", got)
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
