package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"phasor/snapshot"
)

// shownTime writes Unix milliseconds as the command line reads them.
func shownTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// lostPanes is the error of a range of which some panes are corrupt.
func lostPanes(address, sketch string, lost map[snapshot.PaneRef]bool) error {
	const most = 3
	var spans []string
	var from, to int64
	for _, r := range slices.SortedFunc(maps.Keys(lost), func(a, b snapshot.PaneRef) int { return cmp.Compare(a.Start, b.Start) }) {
		if len(spans) == 0 || r.Start > to {
			spans, from, to = append(spans, ""), r.Start, r.End()
		}
		to = max(to, r.End())
		spans[len(spans)-1] = shownTime(from) + ".." + shownTime(to)
	}
	if n := len(spans) - most; n > 0 {
		spans = append(spans[:most], fmt.Sprintf("%d intervals more", n))
	}
	panes := "1 pane"
	if len(lost) > 1 {
		panes = fmt.Sprintf("%d panes", len(lost))
	}
	return fmt.Errorf("store %s: sketch %q: %s of the range cannot be read, in %s: restore what is named above from a backup, or ask for ranges around it",
		shown(address), sketch, panes, strings.Join(spans, ", "))
}
