package status

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// flowChart is the rate of a stream over time.
func flowChart(now time.Time, s *Stream) *chart {
	if len(s.History) < 2 {
		return nil
	}
	x, rate := rates(s.History)
	rejected := make([]Number, len(s.History))
	for i, f := range s.History {
		rejected[i] = f.Rejected
	}
	c := &chart{Height: 120, Label: fmt.Sprintf("Records a second: now %s, at most %s.", figure(s.Rate), figure(Number(largest(rate))))}
	sc, grid := linear(c.Height, largest(rate, rejected))
	c.Grid = grid
	c.Paths = []path{{"area", sc.area(x, rate)}, {"observed", sc.line(x, rate)}}
	c.Legend = []legend{{"observed", "folded"}}
	if s.Rejected > 0 {
		c.Paths = append(c.Paths, path{"bad", sc.line(x, rejected)})
		c.Legend = append(c.Legend, legend{"bad", "rejected"})
	}
	c.From, c.To = edges(now, s.History[0].Time, s.History[len(s.History)-1].Time)
	return c
}

// lagChart is the lag of a stream over time.
func lagChart(now time.Time, s *Stream) *chart {
	if len(s.History) < 2 {
		return nil
	}
	x, _ := rates(s.History)
	lag := make([]Number, len(s.History))
	for i, f := range s.History {
		lag[i] = f.Lag
	}
	c := &chart{Height: 70, Label: fmt.Sprintf("Records that wait in the log: now %s, at most %s.", grouped(s.Lag), figure(Number(largest(lag))))}
	sc, grid := linear(c.Height, max(1, largest(lag)))
	c.Grid, c.Paths = grid[:1], []path{{"area other", sc.area(x, lag)}, {"second", sc.line(x, lag)}}
	c.From, c.To = edges(now, s.History[0].Time, s.History[len(s.History)-1].Time)
	return c
}

func edges(now time.Time, first, last int64) (from, to string) {
	return moment(now, ofMS(first)), moment(now, ofMS(last))
}

// driftChart is the statistic against its threshold over event time, with the alarms.
func driftChart(now time.Time, d *Drift) *chart {
	if len(d.History) < 2 {
		return nil
	}
	times, statistic, threshold := make([]int64, len(d.History)), make([]Number, len(d.History)), make([]Number, len(d.History))
	for i, v := range d.History {
		times[i], statistic[i], threshold[i] = v.Time, v.Statistic, v.Threshold
	}
	x := overTime(times)
	c := &chart{Height: 150, Legend: []legend{{"observed", "statistic"}, {"threshold", "threshold"}}}
	top, limit := largest(statistic, threshold), largest(threshold)
	var sc scale
	sc, c.Grid = linear(c.Height, top)
	if top > 4*limit { // A change may be far above the threshold, and what was before is to be seen too.
		sc = scale{height: float64(c.Height), top: nice(top), warp: math.Sqrt}
		c.Grid = []tick{{sc.y(sc.top), short(Number(sc.top))}, {sc.y(sc.top / 4), short(Number(sc.top / 4))}}
	}
	c.Paths = []path{{"area", sc.area(x, statistic)}, {"threshold", sc.line(x, threshold)}, {"observed", sc.line(x, statistic)}}
	first, last := times[0], times[len(times)-1]
	at := func(ms int64) float64 { return chartWidth * float64(ms-first) / float64(last-first) }
	for i, a := range slices.Backward(d.Alarms) {
		if a.Pane < first || a.Pane > last {
			continue
		}
		from, to := at(max(a.Change, first)), at(a.Pane)
		c.Paths = append([]path{{"window", fmt.Sprintf("M%.1f 0V%dH%.1fV0Z", from, c.Height, to)}}, c.Paths...)
		c.Paths = append(c.Paths, path{"alarm", fmt.Sprintf("M%.1f 0V%d", to, c.Height)})
		c.Marks = append(c.Marks, mark{X: percentOf(min(max(to, 8), chartWidth-8)), Y: 11, Class: "alarm", Text: "▲",
			Title: fmt.Sprintf("Alarm %d at %s: %s", len(d.Alarms)-i, moment(now, ofMS(a.Pane)), a.What)})
	}
	c.Label = fmt.Sprintf("Drift statistic: now %s, threshold %s. Alarms in the picture: %d.", figure(d.Statistic), figure(d.Threshold), len(c.Marks))
	if len(c.Marks) > 0 {
		c.Legend = append(c.Legend, legend{"alarm", "▲ alarm; shaded: the window that raised it"})
	}
	c.From, c.To = edges(now, first, last)
	return c
}

// lossChart is the held-out loss of the versions, with the floor and the Gaussian of the same moments.
func lossChart(m *Model) *chart {
	v, x, names := ordered(m)
	if len(v) == 0 {
		return nil
	}
	held, floor, gaussian := make([]Number, len(v)), make([]Number, len(v)), make([]Number, len(v))
	for i := range v {
		held[i], floor[i], gaussian[i] = v[i].HeldOut, v[i].Floor, v[i].Gaussian
	}
	c := &chart{Height: 120, Ticks: names, Horizontal: "version", Legend: []legend{{"observed", "held-out loss"}, {"threshold", "noise floor: a perfect model"}}}
	sc, grid := logarithmic(c.Height, held, floor, gaussian)
	c.Grid = grid
	if g := largest(gaussian); g > 0 {
		c.Paths = append(c.Paths, path{"faint", sc.line(x, gaussian)})
		c.Legend = append(c.Legend, legend{"faint", "Gaussian"})
	}
	c.Paths = append(c.Paths, path{"threshold", sc.line(x, floor)}, path{"observed dotted", sc.line(x, held)})
	last := v[len(v)-1]
	c.Label = fmt.Sprintf("Loss by version: version %d has %s on held-out frequencies; the noise floor is %s.", last.Version, figure(last.HeldOut), figure(last.Floor))
	c.dots(sc, x, v, held)
	return c
}

// recordsChart is what the versions are worth in true records.
func recordsChart(m *Model) *chart {
	v, x, names := ordered(m)
	if len(v) == 0 {
		return nil
	}
	worth := make([]Number, len(v))
	for i := range v {
		worth[i] = v[i].Equivalent
	}
	c := &chart{Height: 90, Ticks: names, Horizontal: "version"}
	sc, grid := logarithmic(c.Height, worth)
	c.Grid, c.Paths = grid, []path{{"second", sc.line(x, worth)}}
	c.Label = fmt.Sprintf("Equivalent records by version: version %d is worth %s.", v[len(v)-1].Version, figure(worth[len(v)-1]))
	c.dots(sc, x, v, worth)
	for i := range c.Marks {
		c.Marks[i].Class += " second"
	}
	return c
}

// dots marks the versions on a line.
func (c *chart) dots(sc scale, x []float64, v []Version, values []Number) {
	for i := range v {
		if !values[i].Defined() {
			continue
		}
		m := mark{X: percentOf(x[i]), Y: sc.y(float64(values[i])), Class: "dot", Title: fmt.Sprintf("version %d: %s", v[i].Version, figure(values[i]))}
		if v[i].Served {
			m.Class += " served"
		}
		c.Marks = append(c.Marks, m)
	}
}

// ordered are the versions with a card, the oldest first, and where they stand.
func ordered(m *Model) (v []Version, x []float64, names []mark) {
	for _, o := range slices.Backward(m.Versions) {
		if o.Floor.Defined() {
			v = append(v, o)
		}
	}
	for i, o := range v {
		at := chartWidth * (float64(i) + .5) / float64(len(v))
		x = append(x, at)
		if every := (len(v) + 9) / 10; (len(v)-1-i)%every == 0 {
			names = append(names, mark{X: percentOf(at), Text: fmt.Sprint(o.Version)})
		}
	}
	return v, x, names
}
