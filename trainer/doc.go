// Package trainer keeps a generator fresh from the snapshots of a sketch, and watches the stream for drift.
//
//	states ─► merge ─────────────► target ─► fit ─► validate ─► publish a version with its card
//	panes ─► complete intervals ─► scan ─► alarm ─► refit on what came after the change
//
// The trainer reads nothing but the store, so there may be any number of sketchers before it and it may be away for
// as long as panes are kept.
//
// # Complete intervals
//
// An interval of event time is complete when the watermark of every partition has passed its end and lateness, or when
// the partition has said for Config.Idle that it waits for records. Then the interval's panes are merged over the
// partitions, those that an idle partition still holds open among them, and the merged pane goes to the scan once.
//
// # Alarms
//
// The panes since the last change make the reference: the first at 20 panes, and again each time their number has
// doubled, up to Config.Reference. An alarm latches until a model that was trained on panes after the change has been
// published, or until it is acknowledged; the panes after the change then make the next reference.
package trainer
