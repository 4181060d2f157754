package trainer

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"phasor/trainer/generator"
)

func TestStepsWithinLeaveTimeToFinish(t *testing.T) {
	for _, c := range []struct {
		budget, spent, finish, perStep time.Duration
		step, want                     int
	}{
		{10 * time.Second, time.Second, 4 * time.Second, 5 * time.Millisecond, 100, 1100},
		{10 * time.Second, time.Second, 0, 5 * time.Millisecond, 100, 1500}, // The finish is taken for 400 steps.
		{10 * time.Second, 7 * time.Second, 4 * time.Second, 5 * time.Millisecond, 100, 116},
		{10 * time.Second, 20 * time.Second, 0, 5 * time.Millisecond, 100, 116},
		{time.Nanosecond, 0, 0, 0, 0, probe},
	} {
		if found := stepsWithin(c.budget, c.spent, c.finish, c.perStep, c.step); found != c.want {
			t.Errorf("%+v: %d", c, found)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		budget, spent := rapid.Int64Range(1, 1<<40).Draw(t, "budget"), rapid.Int64Range(0, 1<<41).Draw(t, "spent")
		finish, perStep := rapid.Int64Range(1, 1<<38).Draw(t, "finish"), rapid.Int64Range(1, 1<<33).Draw(t, "step")
		n := stepsWithin(time.Duration(budget), time.Duration(spent), time.Duration(finish), time.Duration(perStep), 50) - 50
		if total := spent + int64(n)*perStep + finish; n < probe || n > probe && (total > budget || total+perStep <= budget) {
			t.Fatalf("%d steps: %d of %d ns", n, total, budget)
		}
	})
}

// fitter returns one that would run for very long.
func (r *rig) fitter() *generator.Fitter {
	r.panes(20, quiet)
	target, err := generator.NewTarget(r.parts[0].all)
	r.must(err)
	f, err := generator.NewFitter(target, generator.Config{Steps: 1_000_000, Hidden: 8, Full: true}, nil)
	r.must(err)
	return f
}

func TestBudgetEndsAFit(t *testing.T) {
	t.Parallel()
	f := newRig(t, 1, 1).fitter()
	if err := fit(context.Background(), f, 300*time.Millisecond, 100*time.Millisecond, time.Now()); err != nil && !errors.Is(err, errTimeout) {
		t.Fatal(err) // A machine under load may be far too late.
	}
	if step, _ := f.Progress(); step < probe || step > 500_000 {
		t.Errorf("%d steps", step)
	}
}

func TestFitThatIsFarTooLateIsDropped(t *testing.T) {
	t.Parallel()
	f := newRig(t, 1, 2).fitter()
	if err := fit(context.Background(), f, time.Second, 0, time.Now().Add(-time.Minute)); !errors.Is(err, errTimeout) {
		t.Errorf("%v", err)
	}
	if step, _ := f.Progress(); step > probe {
		t.Errorf("%d steps", step)
	}
}

func TestFitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newRig(t, 1, 3).fitter()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errPointless)
	if err := fit(ctx, f, 0, 0, time.Now()); !errors.Is(err, errPointless) {
		t.Errorf("%v", err)
	}
}
