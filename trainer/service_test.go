package trainer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"phasor/trainer/generator"
)

func TestFirstFitIsPublishedWithItsCard(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 1)
	cfg, rec := r.config(r.bucket)
	s, _ := r.start(cfg)
	r.looks(s, 2)
	if st := s.Status(); st.Version != 0 || st.LastError != "" || s.Ready() != nil || s.Live() != nil {
		t.Fatalf("an empty store: %+v", st)
	}
	r.panes(4, quiet)
	r.looks(s, 3)
	if st := s.Status(); st.Records != 2*4*perPane || st.Partitions != 2 || st.Version != 0 || st.Fitting {
		t.Fatalf("too few records: %+v", st)
	}
	r.panes(6, quiet)
	r.waitVersion(s, 1)
	st, c := s.Status(), r.card(1)
	if st.Drift.Pane == 0 || !st.Evaluated || st.Evaluation.HeldOut == 0 || !st.Published.Equal(c.Created) {
		t.Errorf("%+v", st)
	}
	if c.Sketch != "line" || c.Epoch != 1 || c.Map != testMap().Fingerprint() || !slices.Equal(c.Channels, []string{"a", "b"}) ||
		c.Records != 2*10*perPane || c.Folded != c.Records || c.From != 0 || c.To != 0 || c.Seed != 1 || c.Steps != 150 || c.Warm != 0 || c.Answers != nil {
		t.Errorf("%+v", c)
	}
	if want := []CardRange{{"t", "id", 0, 0, 10 * perPane}, {"t", "id", 1, 0, 10 * perPane}}; !slices.Equal(c.Partitions, want) {
		t.Errorf("the card's partitions: %v", c.Partitions)
	}
	if c.Loss != cardLoss(st.Evaluation) || c.Gaussian.HeldOut == 0 || c.Gaussian == c.Loss || !(c.Loss.Floor > 0) || !(c.Loss.EquivalentRecords > 0) {
		t.Errorf("the card's losses: %+v, %+v", c.Loss, c.Gaussian)
	}
	if age := time.Since(c.Created); age < 0 || age > time.Hour || c.Seconds <= 0 || c.Seconds > 3600 {
		t.Errorf("made %v ago in %v s", age, c.Seconds)
	}
	if b, err := r.epoch.LoadONNX(context.Background(), 1); err != nil || len(b) == 0 {
		t.Errorf("the ONNX file beside the version has %d bytes: %v", len(b), err)
	}
	g, err := r.epoch.Current(context.Background())
	r.must(err)
	if g.Version != 1 || g.Generation != 1 || g.Reason != "refit" {
		t.Errorf("%+v", g)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !slices.Equal(rec.refits, []string{"published"}) || !slices.Equal(rec.served, []int{1}) || !slices.Equal(rec.accepted, []bool{true}) ||
		len(rec.losses) != 1 || rec.losses[0] != st.Evaluation || rec.saw.IsZero() || len(rec.registry) != 0 || len(rec.rolledBack) != 0 {
		t.Errorf("the hooks heard %+v", rec)
	}
	if rec.snapshots["ok"] != 4 || rec.snapshots["skipped"] == 0 || rec.snapshots["corrupt"]+rec.snapshots["stale"]+rec.snapshots["incompatible"] != 0 {
		t.Errorf("the states of looks: %v", rec.snapshots)
	}
	if !reflect.DeepEqual(st.RefitResults, map[string]int{"published": 1}) {
		t.Errorf("%v", st.RefitResults)
	}
}

func TestLaterFitsWaitForTimeAndRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 2)
	r.panes(20, quiet)
	cfg, _ := r.config(r.bucket)
	s, stop := r.start(cfg)
	r.waitVersion(s, 1)
	r.panes(20, quiet)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting {
		t.Fatalf("before Every has passed: %+v", st)
	}
	stop()
	// Another process takes over what the card says of the last fit.
	s, stop = r.start(cfg)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting || !st.Evaluated {
		t.Fatalf("a process that starts before Every has passed: %+v", st)
	}
	stop()
	cfg.Every = time.Millisecond
	cfg.Records = 1000
	s, stop = r.start(cfg)
	r.looks(s, 5)
	if st := s.Status(); st.Version != 1 || st.Fitting {
		t.Fatalf("too few new records: %+v", st)
	}
	r.panes(12, quiet)
	r.waitVersion(s, 2)
	stop()
	if c := r.card(2); c.Warm != 1 || c.Records != 52*perPane {
		t.Errorf("%+v", c)
	}
}

func TestHorizonBoundsWhatIsLearnt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, 3)
	r.panes(30, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.Horizon.Last = 10 * paneLength * time.Millisecond
	s, _ := r.start(cfg)
	r.waitVersion(s, 1)
	c := r.card(1)
	if c.To-c.From != 10*paneLength || c.To < began+26*paneLength || c.To > began+30*paneLength || c.Records != 2*10*perPane || c.Folded != 2*30*perPane {
		t.Errorf("%+v", c)
	}
}

func TestFirstWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 4)
	r.panes(30, quiet)
	cfg, _ := r.config(r.bucket)
	cfg.First = time.Hour
	s, stop := r.start(cfg)
	r.looks(s, 5)
	stop()
	if st := s.Status(); st.Fitting || st.Version != 0 || st.Records == 0 {
		t.Errorf("%+v", st)
	}
}

func TestCancelEndsAFitAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, 8)
	r.panes(30, quiet)
	cfg, rec := r.config(r.bucket)
	cfg.Fit.Steps, cfg.Fit.Full = 1_000_000, true
	s, stop := r.start(cfg)
	r.wait("a fit", func() bool { return s.Status().Fitting })
	stop() // It returns only because the fit ends; no goroutine stays, as TestMain checks.
	if st := s.Status(); st.Version != 0 || len(rec.refits) != 0 {
		t.Errorf("%+v, %v", st, rec.refits)
	}
}

func TestFitsThatFailAreCountedAndDropped(t *testing.T) {
	for result, fails := range map[string]error{"diverged": generator.ErrDiverged, "timeout": errTimeout, "error": errors.New("something else")} {
		t.Run(result, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, 20)
			r.panes(30, quiet)
			cfg, rec := r.config(r.bucket)
			s, err := New(cfg)
			r.must(err)
			s.fit = func(context.Context, *generator.Fitter, time.Duration, time.Duration, time.Time) error {
				return fmt.Errorf("a fit: %w", fails)
			}
			stop := r.run(s)
			r.wait("a refit", func() bool { return len(s.Status().RefitResults) > 0 })
			r.looks(s, 5)
			stop()
			if st := s.Status(); st.Version != 0 || st.LastError != "" || st.Evaluated || len(rec.accepted) != 0 || len(rec.losses) != 0 || rec.refits[0] != result ||
				!reflect.DeepEqual(st.RefitResults, map[string]int{result: len(rec.refits)}) || result != "error" && len(rec.refits) != 1 {
				t.Errorf("%+v, the hooks heard %+v", st, rec)
			}
		})
	}
}
