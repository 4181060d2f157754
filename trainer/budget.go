package trainer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"phasor/trainer/generator"
)

const (
	// probe is the number of steps between two looks at the clock and at whether the fit is still wanted.
	probe = 16
	// slack is by how many budgets a fit may be late before it is dropped: the first measurement of a step is rough.
	slack = 4
	// finishSteps is what a model's output map and its evaluation cost, in steps, as long as nothing was measured.
	finishSteps = 400
)

var errTimeout = errors.New("the fit exceeded its budget")

// fit takes the steps. With a budget, their number and so the annealing follow from the measured time of a step, less
// the time that the output map and the evaluation will take, which is finish or, if that is 0, guessed.
func fit(ctx context.Context, f *generator.Fitter, budget, finish time.Duration, began time.Time) error {
	for !f.Done() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		t, before := time.Now(), steps(f)
		if err := f.Step(probe); err != nil {
			return err
		}
		taken := steps(f) - before
		if budget == 0 || taken == 0 {
			continue
		}
		step, total := f.Progress()
		spent, perStep := time.Since(began), time.Since(t)/time.Duration(taken)
		if spent > slack*budget {
			return fmt.Errorf("trainer: %w: %v spent of %v, step %d of %d: raise fit.budget or give the process more processor time",
				errTimeout, spent.Round(time.Millisecond), budget, step, total)
		}
		if fits := stepsWithin(budget, spent, finish, perStep, step); fits < total {
			f.SetSteps(fits)
		}
	}
	return nil
}

// stepsWithin is the step at which a fit must end to keep its budget; at least one more round, so that the rate is
// annealed at all.
func stepsWithin(budget, spent, finish, perStep time.Duration, step int) int {
	perStep = max(perStep, 1)
	if finish == 0 {
		finish = finishSteps * perStep
	}
	return step + max(probe, int((budget-spent-finish)/perStep))
}

func steps(f *generator.Fitter) int {
	n, _ := f.Progress()
	return n
}
