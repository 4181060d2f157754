package status

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a picture over time or versions. Lines are drawn in a square of 1000 by Height that is stretched to the width
// there is; texts and marks stand at percentages of it, so that they keep their shape.
type chart struct {
	Label      string // What it shows, in words.
	Height     int
	Grid       []tick
	Paths      []path
	Marks      []mark
	From, To   string
	Legend     []legend
	Ticks      []mark // Names under the chart, instead of From and To.
	Horizontal string // What the horizontal axis is, if it is not time.
}

// Under is the height with the names under the chart.
func (c *chart) Under() int { return c.Height + 17 }

type tick struct {
	Y    float64
	Text string
}

type path struct{ Class, D string }

type mark struct {
	X           string // In percent.
	Y           float64
	Class, Text string
	Title       string
}

type legend struct{ Class, Text string }

const (
	chartWidth = 1000
	headroom   = 14 // Above the largest value, for the text of its grid line.
)

// scale places values on the height of a chart.
type scale struct {
	height   float64
	low, top float64
	warp     func(float64) float64 // Monotone; nil: linear.
}

func (s scale) y(v float64) float64 {
	f := s.warp
	if f == nil {
		f = func(v float64) float64 { return v }
	}
	v = min(max(v, s.low), s.top)
	share := (f(v) - f(s.low)) / (f(s.top) - f(s.low))
	if math.IsNaN(share) {
		share = 0
	}
	return math.Round(10*(s.height-share*(s.height-headroom))) / 10
}

// line is the path of the values that are defined; where one is not, it begins anew.
func (s scale) line(x []float64, v []Number) string {
	var b strings.Builder
	pen := "M"
	for i := range x {
		if !v[i].Defined() {
			pen = "M"
			continue
		}
		b.WriteString(pen + coordinates(x[i], s.y(float64(v[i]))))
		if pen == "M" {
			b.WriteString("h0") // A value between undefined ones is a dot.
		}
		pen = "L"
	}
	return b.String()
}

// area is a line closed along the bottom.
func (s scale) area(x []float64, v []Number) string {
	if len(x) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("M" + coordinates(x[0], s.height))
	for i := range x {
		y := s.height
		if v[i].Defined() {
			y = s.y(float64(v[i]))
		}
		b.WriteString("L" + coordinates(x[i], y))
	}
	b.WriteString("L" + coordinates(x[len(x)-1], s.height) + "Z")
	return b.String()
}

func coordinates(x, y float64) string {
	return strconv.FormatFloat(math.Round(10*x)/10, 'f', -1, 64) + " " + strconv.FormatFloat(y, 'f', -1, 64)
}

// overTime places times evenly between the first and the last.
func overTime(times []int64) []float64 {
	x := make([]float64, len(times))
	if len(times) < 2 {
		return x
	}
	first, all := times[0], float64(times[len(times)-1]-times[0])
	for i, t := range times {
		x[i] = chartWidth * float64(t-first) / all
	}
	return x
}

func percentOf(x float64) string {
	return strconv.FormatFloat(math.Round(x)/10, 'f', -1, 64) + "%"
}

// nice is the least of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func nice(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 2.5, 5, 10} {
		if v <= f*p*(1+1e-9) {
			return f * p
		}
	}
	return 10 * p
}

func largest(lists ...[]Number) float64 {
	m := math.NaN()
	for _, l := range lists {
		for _, v := range l {
			if v.Defined() {
				m = larger(m, float64(v))
			}
		}
	}
	return m
}

// linear is a scale from 0 with a grid line at its top and in the middle.
func linear(height int, top float64) (scale, []tick) {
	top = nice(top)
	s := scale{height: float64(height), top: top}
	return s, []tick{{s.y(top), short(Number(top))}, {s.y(top / 2), short(Number(top / 2))}}
}

// logarithmic is a scale over the positive values of lists, with a grid line at powers of ten.
func logarithmic(height int, lists ...[]Number) (scale, []tick) {
	lo, hi := math.Inf(1), 0.0
	for _, l := range lists {
		for _, v := range l {
			if v.Defined() && v > 0 {
				lo, hi = min(lo, float64(v)), max(hi, float64(v))
			}
		}
	}
	if hi == 0 {
		lo, hi = 1, 10
	}
	lo, hi = lo/1.6, hi*1.3
	s := scale{height: float64(height), low: lo, top: hi, warp: math.Log}
	var ticks []tick
	factors := []float64{1}
	if hi/lo < 30 {
		factors = []float64{1, 3}
	}
	for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi); e++ {
		for _, f := range factors {
			if v := f * math.Pow(10, e); v >= lo && v <= hi {
				ticks = append(ticks, tick{s.y(v), short(Number(v))})
			}
		}
	}
	for len(ticks) > 4 { // Every other one.
		for i := 0; i < len(ticks); i++ {
			ticks = append(ticks[:i], ticks[min(i+1, len(ticks)):]...)
		}
	}
	return s, ticks
}

// sparkline is the rate without any text.
func sparkline(h []Flow) string {
	x, v := rates(h)
	s := scale{height: 40, top: max(1e-9, largest(v)*1.05)}
	return s.area(x, v)
}

func rates(h []Flow) ([]float64, []Number) {
	times, v := make([]int64, len(h)), make([]Number, len(h))
	for i, f := range h {
		times[i], v[i] = f.Time, f.Rate
	}
	return overTime(times), v
}

// outline draws shares as bars without gaps.
func outline(shares []Number, top, height float64, closed bool) string {
	var b strings.Builder
	y := func(v Number) float64 { return math.Round(10*(height-float64(v)/top*(height-2))) / 10 }
	b.WriteString(fmt.Sprintf("M0 %v", height))
	for _, v := range shares {
		b.WriteString(fmt.Sprintf("V%vh10", y(v)))
	}
	b.WriteString(fmt.Sprintf("V%v", height))
	if closed {
		b.WriteString("Z")
	}
	return b.String()
}

// scatter draws records as dots: lines of no length with round ends.
func scatter(dots [][2]Number) string {
	var b strings.Builder
	for _, p := range dots {
		x, y := float64(p[0]), float64(p[1])
		if x < 0 || x > 1 || y < 0 || y > 1 {
			continue
		}
		b.WriteString(fmt.Sprintf("M%.1f %.1fh0", 100*x, 100*(1-y)))
	}
	return b.String()
}

// ellipse holds what lies within two standard deviations of the mean in every direction.
func ellipse(p Pair) string {
	a, c, d := float64(p.Spread[0]), float64(p.Spread[1]), float64(p.Spread[2])
	l1 := math.Sqrt(max(a, 0))
	l2, l3 := 0.0, math.Sqrt(max(d, 0))
	if l1 > 0 {
		l2 = c / l1
		l3 = math.Sqrt(max(d-l2*l2, 0))
	}
	var b strings.Builder
	const corners = 48
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		x, y := float64(p.Centre[0])+2*l1*cos, float64(p.Centre[1])+2*(l2*cos+l3*sin)
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + fmt.Sprintf("%.1f %.1f", 100*x, 100*(1-y)))
	}
	return b.String() + "Z"
}
