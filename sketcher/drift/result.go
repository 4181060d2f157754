package drift

// Skip says why a pane was not scanned.
type Skip uint8

// The reasons for which a pane is skipped.
const (
	Scanned    Skip = iota // not skipped
	FewRecords             // fewer records than Options.MinRecords
	OtherMap               // sketched with another feature map
	Learning               // taken to learn the noise, of which too little is known
	OtherSize              // of a size that the reference has not seen and the groups need
)

// String returns the reason in plain words.
func (s Skip) String() string {
	switch s {
	case Scanned:
		return "scanned"
	case FewRecords:
		return "too few records in the pane"
	case OtherMap:
		return "the pane was sketched with another map"
	case Learning:
		return "not enough history: the noise is being learned"
	case OtherSize:
		return "the reference has no panes of this size, which the groups need"
	}
	return "unknown"
}

// Result is what one pane, or one comparison, says.
type Result struct {
	// Statistic and Threshold are on one scale, -log10 of a p-value: an alarm is
	// exactly Statistic > Threshold. Of a Scan the threshold is constant and the
	// statistic belongs to the group and window nearest to its own threshold.
	Statistic, Threshold float64
	// PValue is the probability of a statistic at least this large without a change;
	// NaN when it is undefined.
	PValue float64
	Alarm  bool
	Group  Group
	Window int // panes of the window
	// Channels that moved, by name: in mean, scale or shape over the window, together at
	// 5 % after Bonferroni's correction. Moves says which. Filled on an alarm; of a Scan
	// valid until the next Push.
	Channels []string
	Moves    []Move
	// Pairs of channels whose correlation moved, named by TwoSketches on an alarm.
	Pairs [][2]string
	// EffectiveRatio is the share of records that count under the dependence between
	// them: effective over nominal records of a pane, of the most dependent group.
	EffectiveRatio float64
	Skip           Skip
	// Assumes states what the p-value rests on, where that is more than the
	// reference shows; empty otherwise.
	Assumes string
	// Caution says in plain words why a p-value is to be taken as rough; often empty.
	Caution string
	// Divergence is the Jensen-Shannon divergence of each channel's histogram in
	// bits, 0 (equal) to 1 (disjoint). Filled by comparisons, not by a Scan.
	Divergence []float64
}
