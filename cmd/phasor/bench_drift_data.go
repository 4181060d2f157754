package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/evaluate"
	"phasor/sketcher/feature"
)

// dataFeatures is the number of frequencies of the maps of data sets.
const dataFeatures = 512

// readTable reads the numbers of a text file: fields by rows, split at blanks or at sep. Rows that do not parse, as a
// header, and columns that skip names, are left out.
func (b *driftBench) readTable(sep string, skip []int, path ...string) (evaluate.Table, bool, error) {
	name := filepath.Join(append([]string{b.data}, path...)...)
	text, err := os.ReadFile(name)
	if b.data == "" || errors.Is(err, fs.ErrNotExist) {
		b.skipped = append(b.skipped, strings.Join(path, "/")+": data absent")
		return evaluate.Table{}, false, nil
	}
	if err != nil {
		return evaluate.Table{}, false, err
	}
	var t evaluate.Table
	for line := range strings.Lines(string(text)) {
		var fields []string
		if line = strings.TrimSpace(line); sep == "" {
			fields = strings.Fields(line)
		} else {
			fields = strings.Split(line, sep)
		}
		var row []float64
		for k, f := range fields {
			if slices.Contains(skip, k) {
				continue
			}
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				row = nil
				break
			}
			row = append(row, v)
		}
		if len(row) == 0 || t.Names != nil && len(row) != len(t.Names) {
			continue
		}
		if t.Names == nil {
			for k := range row {
				t.Names = append(t.Names, "c"+strconv.Itoa(k+1))
			}
		}
		t.Rows = append(t.Rows, row...)
	}
	if len(t.Rows) == 0 {
		return t, false, fmt.Errorf("%s: no rows of numbers", name)
	}
	return t, true, nil
}

// watchData calibrates a map of the first seed on a pilot and a detector on reference panes.
func watchData(pilot, reference evaluate.Table, records int, maker evaluate.Maker) (*feature.Map, func() evaluate.Detector, error) {
	return watchSeed(pilot, reference, records, maker, 1)
}

func watchSeed(pilot, reference evaluate.Table, records int, maker evaluate.Maker, seed uint64) (*feature.Map, func() evaluate.Detector, error) {
	m, err := evaluate.MapOf(pilot.Rows, pilot.Names, dataFeatures, seed)
	if err != nil {
		return nil, nil, err
	}
	d, err := maker.New(m, reference.Panes(m, records), 1)
	return m, d, err
}

// lowerMedian of ascending values, NaN of none; it may be infinite where others would average.
func lowerMedian(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return x[(len(x)-1)/2]
}

// interrbf has 66 changes, every 3,000 rows: of 15 classes some exchange their places. With the label as a channel the law
// of the rows changes. Without it their spreads change places, for each class has one of its own and takes it along;
// rows in random order have no change at all.
func (b *driftBench) interrbf() error {
	const records, every, pilot, within = 100, 3000, 2000, 300
	x, ok, err := b.readTable("", nil, "interrbf", "interchangingRBF.data")
	if err != nil || !ok {
		return err
	}
	label, ok, err := b.readTable("", nil, "interrbf", "interchangingRBF.labels")
	if err != nil || !ok {
		return err
	}
	both := evaluate.Table{Names: []string{"x", "y", "label"}}
	for i := range min(x.Len(), label.Len()) {
		both.Rows = append(both.Rows, x.Rows[2*i], x.Rows[2*i+1], label.Rows[i])
	}
	var changes []int
	for c := every; c < x.Len() && len(changes) < 66; c += every {
		changes = append(changes, c)
	}
	maps := 8
	if b.quick {
		maps = 1
	}
	shuffled := x.Shuffled(b.seed)
	for _, maker := range b.makers(b.dataMakers)[2:] {
		for _, c := range []struct {
			what    string
			t       evaluate.Table
			changes []int
			maps    int
		}{
			{"interrbf, x and label", both, changes, maps},
			{"interrbf, x alone", x, changes, 1},
			{"interrbf, x alone, rows in random order", shuffled, nil, 1},
		} {
			var found, late, others, delays []float64
			for seed := range c.maps {
				m, d, err := watchSeed(c.t.Slice(0, pilot), c.t.Slice(0, pilot), records, maker, uint64(seed)+1)
				if err != nil {
					return err
				}
				alarms := evaluate.Alarms(d(), c.t.Slice(pilot, c.t.Len()).Panes(m, records))
				for i := range alarms {
					alarms[i] = pilot + (alarms[i]+1)*records
				}
				r := evaluate.Match(alarms, c.changes, within)
				found, late, others = append(found, float64(r.Found)), append(late, float64(r.Late)), append(others, float64(r.Others))
				delays = append(delays, r.Delays...)
			}
			if c.changes == nil {
				b.add(c.what, maker.Name, "alarms of a stream without a change", others[0], 0, (c.t.Len()-pilot)/records, fmt.Sprintf("panes of %d", records))
				continue
			}
			slices.Sort(delays)
			b.add(c.what, maker.Name, fmt.Sprintf("of %d changes found within %d rows", len(c.changes), within), slices.Min(found), 0, c.maps,
				fmt.Sprintf("up to %v on %d maps; found later %s; other alarms %s; median delay %s rows, panes of %d",
					slices.Max(found), c.maps, listed(late), listed(others), figure(lowerMedian(delays)), records))
		}
	}
	return nil
}

// listed returns numbers with blanks between them.
func listed(x []float64) string { return strings.Trim(fmt.Sprint(x), "[]") }

// tep is the Tennessee Eastman process: d00 is the reference, d00_te as quiet, and fault NN begins at row 161 of dNN_te.
func (b *driftBench) tep() error {
	const fault = 160
	read := func(name string) (evaluate.Table, bool, error) { return b.readTable("", nil, "tep", "data", name) }
	normal, ok, err := read("d00.dat")
	if err != nil || !ok {
		return err
	}
	quiet, ok, err := read("d00_te.dat")
	if err != nil || !ok {
		return err
	}
	var files []evaluate.Table
	for i := 1; i <= 10; i++ {
		t, ok, err := read(fmt.Sprintf("d%02d_te.dat", i))
		if err != nil || !ok {
			return err
		}
		files = append(files, t)
	}
	for _, records := range []int{20, 10} {
		m, fresh, err := watchData(normal, normal, records, b.dataMakers[0])
		if errors.Is(err, drift.ErrNotEnoughHistory) {
			b.add("TEP", "scan", "refused", math.NaN(), 0, 1, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		b.add("TEP d00_te", "scan", "panes in alarm", float64(len(evaluate.Alarms(fresh(), quiet.Panes(m, records)))), 0, quiet.Len()/records, fmt.Sprintf("panes of %d", records))
		chart := evaluate.NewChart(normal, 11)
		limit := [2]float64{}
		raise := func(t evaluate.Table) {
			t2, spe := chart.Statistics(t, records)
			limit[0], limit[1] = max(limit[0], slices.Max(t2)), max(limit[1], slices.Max(spe))
		}
		raise(quiet)
		for _, f := range files {
			raise(f.Slice(0, fault))
		}
		for i, f := range files {
			panes := f.Panes(m, records)
			early, delay := 0, math.NaN()
			for _, a := range evaluate.Alarms(fresh(), panes) {
				if a < fault/records {
					early++
				} else if math.IsNaN(delay) {
					delay = float64((a + 1 - fault/records) * records)
				}
			}
			b.add(fmt.Sprintf("TEP fault %d", i+1), "scan", "delay in rows", delay, 0, 1, fmt.Sprintf("panes of %d, %d in alarm before the fault", records, early))
			t2, spe := chart.Statistics(f, records)
			delay = math.NaN()
			for p := fault / records; p < len(t2); p++ {
				if t2[p] > limit[0] || spe[p] > limit[1] {
					delay = float64((p + 1 - fault/records) * records)
					break
				}
			}
			b.add(fmt.Sprintf("TEP fault %d", i+1), "T²/SPE, 11 components", "delay in rows", delay, 0, 1, fmt.Sprintf("panes of %d, limits set so that no quiet row alarms", records))
		}
	}
	return nil
}

// skab has 34 runs of a test bench, each with a fault; its quiet stretches are short and not stationary.
func (b *driftBench) skab() error {
	const first, records = 400, 10
	var files []string
	for dir, n := range map[string]int{"valve1": 16, "valve2": 4} {
		for i := range n {
			files = append(files, dir+"/"+strconv.Itoa(i)+".csv")
		}
	}
	for i := 1; i <= 14; i++ {
		files = append(files, "other/"+strconv.Itoa(i)+".csv")
	}
	slices.Sort(files)
	if b.quick {
		files = files[:3]
	}
	for _, maker := range b.makers(b.dataMakers) {
		var early, missed, refused, n int
		var delays []float64
		for _, f := range files {
			t, ok, err := b.readTable(";", []int{0, 10}, "skab", "data", filepath.FromSlash(f))
			if err != nil || !ok {
				return err
			}
			d := len(t.Names)
			var rows evaluate.Table
			rows.Names = t.Names[:d-1]
			fault := -1
			for i := range t.Len() {
				rows.Rows = append(rows.Rows, t.Rows[i*d:(i+1)*d-1]...)
				if t.Rows[(i+1)*d-1] == 1 && fault < 0 {
					fault = i
				}
			}
			n++
			m, fresh, err := watchData(rows.Slice(0, first), rows.Slice(0, first), records, maker)
			if errors.Is(err, drift.ErrNotEnoughHistory) {
				refused++
				continue
			}
			if err != nil {
				return err
			}
			before, delay := false, math.Inf(1)
			for _, a := range evaluate.Alarms(fresh(), rows.Slice(first, rows.Len()).Panes(m, records)) {
				end := first + (a+1)*records
				if end <= fault {
					before = true
				} else if math.IsInf(delay, 1) {
					delay = float64(end - fault)
				}
			}
			if before {
				early++
			}
			if math.IsInf(delay, 1) {
				missed++
			}
			delays = append(delays, delay)
		}
		slices.Sort(delays)
		b.add("SKAB", maker.Name, "median delay in rows", lowerMedian(delays), 0, n, fmt.Sprintf("alarm before the fault in %d, missed %d, refused %d (not enough history), panes of %d", early, missed, refused, records))
	}
	return nil
}
