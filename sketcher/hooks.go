package sketcher

import (
	"time"

	"phasor/stream"
	"phasor/stream/decode"
)

// Hooks tell what happens. They are called synchronously, from several goroutines, and must not block; nil ones are
// left out.
type Hooks struct {
	// Folded is called after each batch.
	Folded func(id stream.PartitionID, c Counts, took time.Duration)
	// Position is called after each batch and each idle read.
	Position func(id stream.PartitionID, next, highWatermark int64)
	// Assigned and Released are called when a partition is taken over and when it has been given up; lost says that it
	// was given up after an error.
	Assigned func(id stream.PartitionID)
	Released func(id stream.PartitionID, lost bool)
	// Restored is called once for each assignment with ok, empty, corrupt_fallback or failed.
	Restored func(id stream.PartitionID, result string)
	// Gap is called when offsets were passed over, with retention, truncation, recreated or replaced.
	Gap func(id stream.PartitionID, reason string)
	// Restarted is called when a reader that had been silent for too long was closed, to be opened anew.
	Restarted func(id stream.PartitionID)
	// Saved is called after each attempt to save a partition: ok, error or skipped.
	Saved func(id stream.PartitionID, s Save)
	// Record is called for each record that completed a vector, and Reject for each that was rejected. What they are
	// given is valid only during the call. They are on the path of every record.
	Record func(id stream.PartitionID, r *stream.Record, x []float64)
	Reject func(id stream.PartitionID, r *stream.Record, reason decode.Reason)
	// Sketch is called when the specification is known.
	Sketch func(features, dimension int)
}

// Save describes one attempt to save a partition.
type Save struct {
	Result   string // ok, error or skipped.
	Took     time.Duration
	Bytes    int
	Next     int64 // The durable position, if ok.
	Records  int64 // In the total, if ok.
	Panes    int   // Written, if ok.
	Open     int64 // Start of the newest open pane in Unix milliseconds, -1 if none.
	Resident int   // Bytes of the partition's sketches in memory.
}
