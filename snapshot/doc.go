// Package snapshot says what is kept where: the specs, states, panes and models of one sketch in an object store, and
// how they are written, verified, loaded and removed.
//
// A [Store] is everything of one sketch. Its life is cut into epochs: an epoch has one spec, created once, and holds
// whatever was made with it. An [Epoch] is the handle that saves and loads.
//
// # Names
//
//	<sketch>/<epoch, 4 digits>/spec
//	…/start/<topic>.<topic id>/<partition>
//	…/state/<topic>.<topic id>/<partition>/<next offset, 20 digits>
//	…/live/<topic>.<topic id>/<partition>
//	…/panes/<topic>.<topic id>/<partition>/<length, ms>/<start, unix ms, 20 digits>
//	…/models/<version, 10 digits>            beside it the same name with .json, the card, and with .onnx
//	…/current/<generation, 10 digits>
//	…/corrupt/<name>.<8 digits of its SHA-256>      what could not be read, set aside
//	…/abandoned/<name>.<8 digits of its SHA-256>    states that [Epoch.Rewind] withdrew
//
// A sketch, a topic or a topic id is written with every byte outside [A-Za-z0-9._-] as %XX, a topic id also with its
// dots, so no name leads out of the store and each name is read back as what was written.
//
// # Who writes what
//
// Specs, starts, panes, models and generations are created if absent: the first writer wins and the others learn of
// it. A state is a pure function of the spec and of the log [start, next), so two writers of one name have the same
// bytes. Nothing here needs a lock, a lease or a clock; the times that retention compares come from the caller.
//
// Only the owner of a partition sets its corrupt objects aside ([Epoch.LoadState], [Epoch.SaveState],
// [Epoch.SavePane]) and so does [Epoch.Prune]; all other readers skip them and leave the store as it is.
//
// # Signed objects
//
// In a bucket of package bucket/mac, an object that is not signed with one of its keys under its own name is treated as
// a corrupt one: reported, passed over, and set aside where a corrupt one is. Listings and names are not signed.
//
// # Errors
//
// [ErrNotExist], [ErrCorrupt], [ErrAllCorrupt], [ErrVersion], [ErrMismatch] (as [MapMismatchError] or
// [FoldMismatchError]) and [ErrConflict] (as [ConflictError]) are wrapped by the errors of this package. Every other
// error is one of the bucket and may pass by itself.
package snapshot
