// Package sketcher folds partitions of a log into sketches and keeps them safe.
//
// One Fold holds the state of one partition. It is a pure function of its specification and of the records
// [start, next) of the log: no clock, no random number and no batch border leaves a trace in it. Two processes that
// fold the same records hold the same bytes, so a process that lost its partition can only write older truths, never
// false ones, and a reader who takes the largest next that verifies is right.
//
//	Reader ─► Decoder ─► vector ─► pane ─► Fold ─ cut ─► panes, then the state, then the advisory commit
//
// # Panes
//
// A pane is the sketch of one interval [start, start + length) of event time. The watermark of a partition is the
// running maximum of the minimum of the last four event times (of those seen, while fewer were). A pane is sealed when
// the watermark passes its end plus the lateness. Its object is written before the first state that no longer holds
// it, so a crash between the two writes the same bytes again.
//
// A record of a sealed pane is late: it goes to the total only. At most MaxOpenPanes panes are open: when another
// would open, the one farthest ahead is dissolved into the total and its records are counted early, so that one wrong
// clock cannot fill the memory.
//
// # Order of a save
//
//	cut under the lock → write sealed panes → write the state → commit → write live → prune
//
// The cut copies integers; encoding and writing happen outside the lock while the fold goes on.
package sketcher
