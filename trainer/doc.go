// Package trainer keeps a generator fresh from the snapshots of a sketch, and watches the stream for drift.
//
//	states ─► merge ─────────────► target ─► fit ─► validate ─► publish a version with its card
//	panes ─► complete intervals ─► scan ─► alarm ─► refit on what came after the change
//
// The trainer reads nothing but the store, so there may be any number of sketchers before it and it may be away for
// as long as panes are kept. It keeps nothing of its own: a process that starts takes over from the served version and
// its card, and scans the panes since the last change that was answered once more.
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
// published, or until it is acknowledged; the panes after the change then make the next reference, unless it is fixed.
// An alarm ends the fit that is running, which learns what the stream no longer is.
//
// # Fits
//
// One fit runs at a time, beside the loop that watches. A version is published if its held-out loss on the newest sketch
// is not above that of the served version by more than two standard errors. If it is rejected, and the version before
// the served one is better than that by as much, the trainer rolls back to it.
//
// Several trainers may share a store, and operators may promote and roll back while they work: whatever comes into force
// is followed within one look, and a fit that began before gives way to it.
//
// A fit takes seconds, so the service keeps no checkpoints of one: a process that dies begins it again. It ends within
// some steps of a cancelled context, or after the evaluation of a model, which is not interrupted.
package trainer
