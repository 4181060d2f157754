package main

import (
	"errors"
	"fmt"
	"math"

	"phasor/sketcher/drift"
	"phasor/sketcher/drift/evaluate"
)

// elec2 is a market whose last three channels are constant for the first 17,700 rows or so.
func (b *driftBench) elec2() error {
	const records, first, change = 48, 100, 17_700
	t, ok, err := b.readTable("", []int{0, 1, 2}, "elec2", "elec2_data.dat")
	if err != nil || !ok {
		return err
	}
	return b.single("elec2", t, records, first, change)
}

// nab has streams of one channel. Those without an anomaly are quiet and seasonal.
func (b *driftBench) nab() error {
	for _, f := range []string{"art_daily_no_noise", "art_daily_perfect_square_wave", "art_daily_small_noise", "art_flatline", "art_noisy"} {
		t, ok, err := b.readTable(",", []int{0}, "nab", "data", "artificialNoAnomaly", f+".csv")
		if err != nil || !ok {
			return err
		}
		if err := b.single("NAB "+f, t, 24, 84, math.MaxInt); err != nil {
			return err
		}
	}
	return nil
}

// single watches one data set against its first panes.
func (b *driftBench) single(name string, t evaluate.Table, records, first, change int) error {
	for _, maker := range b.makers(b.dataMakers) {
		m, fresh, err := watchData(t.Slice(0, first*records), t.Slice(0, first*records), records, maker)
		if errors.Is(err, drift.ErrNotEnoughHistory) {
			b.add(name, maker.Name, "refused", math.NaN(), 0, 1, "not enough history")
			continue
		}
		if err != nil {
			return err
		}
		panes := t.Slice(first*records, t.Len()).Panes(m, records)
		early, delay := 0, math.NaN()
		for _, a := range evaluate.Alarms(fresh(), panes) {
			if end := (first + a + 1) * records; end <= change {
				early++
			} else if math.IsNaN(delay) {
				delay = float64(end - change)
			}
		}
		if change == math.MaxInt {
			b.add(name, maker.Name, "panes in alarm of a stream without a change", float64(early), 0, len(panes), fmt.Sprintf("panes of %d", records))
			continue
		}
		b.add(name, maker.Name, "delay in rows", delay, 0, 1, fmt.Sprintf("%d of %d panes in alarm before, panes of %d", early, change/records-first, records))
	}
	return nil
}
