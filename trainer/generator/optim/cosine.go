package optim

import "math"

// Cosine lowers a learning rate from Start at step From to End at step To
// along half a cosine:
//
//	lr(s) = End + (Start-End) (1 + cos(pi (s-From)/(To-From))) / 2
type Cosine struct {
	Start, End float64
	From, To   int
}

// At returns the rate of step s: Start before From, End after To.
func (c Cosine) At(s int) float64 {
	if s >= c.To {
		return c.End
	}
	if s <= c.From {
		return c.Start
	}
	x := float64(s-c.From) / float64(c.To-c.From)
	return c.End + (c.Start-c.End)*(1+math.Cos(math.Pi*x))/2
}

// Retarget returns the schedule that continues from the rate of step s and
// ends at step to: the way to anneal within what is left of a budget.
func (c Cosine) Retarget(s, to int) Cosine {
	return Cosine{Start: c.At(s), End: c.End, From: s, To: to}
}
