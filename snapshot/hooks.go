package snapshot

import "time"

// Hooks are told what happens in a store. They are called synchronously, perhaps from several goroutines at once, and
// must not block. Each may be nil.
type Hooks struct {
	// Corrupt is called for each object that was skipped because its bytes cannot be trusted. Reading the same object
	// again through the same [Epoch] does not report it again.
	Corrupt func(name string, err error)

	// Lost is called for each corrupt pane that was to be read and that no shorter ones stand in for, each time anew: what
	// is made of its interval lacks its records.
	Lost func(PaneRef)

	// Conflict is called when a pane or a state exists with other bytes than those to be written.
	Conflict func(name string)

	// Compaction is called for each group of panes that was to be merged into a longer one; err is nil if it was.
	Compaction func(err error)

	// Operation is called after each operation of the bucket, as by bucket.Observe: get, put, create, list or delete,
	// with the result ok, not_exist, exist, canceled or error.
	Operation func(operation, result string, took time.Duration)
}

func (h *Hooks) corrupt(name string, err error) {
	if h.Corrupt != nil {
		h.Corrupt(name, err)
	}
}

func (h *Hooks) lost(r PaneRef) {
	if h.Lost != nil {
		h.Lost(r)
	}
}

func (h *Hooks) conflict(name string) {
	if h.Conflict != nil {
		h.Conflict(name)
	}
}

func (h *Hooks) compaction(err error) {
	if h.Compaction != nil {
		h.Compaction(err)
	}
}
