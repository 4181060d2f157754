package drift

import (
	"errors"
	"fmt"
)

// ErrNotEnoughHistory is wrapped by every *HistoryError.
var ErrNotEnoughHistory = errors.New("not enough history")

// ErrMap reports accumulators that have no map or not the same map.
var ErrMap = errors.New("sketches of different maps")

// Shortfall names what a history lacks.
type Shortfall uint8

// What a history may lack.
const (
	TooFewPanes    Shortfall = iota + 1 // fewer panes than a reference needs
	WindowTooShort                      // fewer effective records in the compared range than the test needs
	Unsteady                            // parts of the reference differ from each other
	PanesTooShort                       // panes are short against the dependence between records
	OtherSizes                          // panes of the sizes of those that are compared
)

// HistoryError says why panes do not make a reference. It wraps ErrNotEnoughHistory.
type HistoryError struct {
	Lacks      Shortfall
	Have, Need int     // panes
	Skipped    int     // panes left out for too few records
	Group      Group   // that is concerned, 0 if it is all
	Parts      int     // of Unsteady: the reference was cut in so many parts
	Q          float64 // of Unsteady: mean squared difference of the parts; 1 is expected
}

// Error states the reason and the remedy in plain words.
func (e *HistoryError) Error() string {
	switch e.Lacks {
	case TooFewPanes:
		var skipped string
		if e.Skipped > 0 {
			skipped = fmt.Sprintf(", and %d of too few records", e.Skipped)
		}
		if e.Group != 0 {
			return fmt.Sprintf("drift: not enough history: %d panes%s, where the dependence between records asks for %d (group %v): lengthen the longer range", e.Have, skipped, e.Need, e.Group)
		}
		return fmt.Sprintf("drift: not enough history: %d panes%s, where %d are needed: wait for more panes, or lengthen the reference", e.Have, skipped, e.Need)
	case WindowTooShort:
		return fmt.Sprintf("drift: not enough history: %d panes are compared where the dependence between records asks for %d (group %v): compare a longer range", e.Have, e.Need, e.Group)
	case PanesTooShort:
		return fmt.Sprintf("drift: not enough history: panes are short against the dependence between records: %d of them make a window of enough effective records where the scan has at most %d (group %v): use panes %d times as long", e.Need, e.Have, e.Group, (e.Need+e.Have-1)/e.Have)
	case OtherSizes:
		return fmt.Sprintf("drift: not enough history: the longer range has no panes of the sizes of the %d that are compared, which scales and correlations within a pane need where records depend on each other: compare panes of like sizes, or test group S or H", e.Have)
	default:
		return fmt.Sprintf("drift: not enough history: the reference is not steady, its %d parts differ %.1f times as much as they should (group %v): it holds a change or a season longer than its parts; use a reference of several such seasons, or start it after the change", e.Parts, e.Q, e.Group)
	}
}

// Unwrap returns ErrNotEnoughHistory.
func (e *HistoryError) Unwrap() error { return ErrNotEnoughHistory }
