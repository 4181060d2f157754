package main

import (
	"fmt"
	"time"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/stream"
)

// firstTime is the time of the first record, in Unix milliseconds.
const firstTime = 1767225600000

// linearTasks are, a record: m=M, the fold of vectors in fixed point by M frequencies; partitions=P, the fold of JSON
// records of P partitions in turn, each with a state of its own.
func linearTasks() ([]task, error) {
	var tasks []task
	for m := 128; m <= 4096; m *= 2 {
		k, err := feature.NewMap(spec(dim, m))
		if err != nil {
			return nil, err
		}
		q := make([]int32, batch*dim)
		if err := quantise(k, q, vectors(batch, dim)); err != nil {
			return nil, err
		}
		a := sketch.New(k)
		tasks = append(tasks, task{fmt.Sprintf("m=%d", m), func() (float64, error) {
			a.Fold(q)
			return batch, nil
		}})
	}
	m, err := feature.NewMap(spec(dim, features))
	if err != nil {
		return nil, err
	}
	config := sketcher.FoldConfig{Map: m, Decode: jsonConfig(), Topics: []string{"records"}, Isolation: "read_committed",
		Length: time.Minute, Lateness: time.Minute}
	values := jsonRecords(4096)
	for n := 1; n <= 64; n *= 2 {
		var folds []*sketcher.Fold
		for p := range n {
			f, err := sketcher.NewFold(config, stream.PartitionID{Topic: "records", TopicID: stream.NoTopicID, Partition: p}, 0)
			if err != nil {
				return nil, err
			}
			folds = append(folds, f)
		}
		tasks = append(tasks, task{fmt.Sprintf("partitions=%d", n), func() (float64, error) { return foldInTurn(folds, values) }})
	}
	return tasks, nil
}

// foldInTurn gives every partition batches until 64 batches are folded. Time goes on by a millisecond a record.
func foldInTurn(folds []*sketcher.Fold, values [][]byte) (float64, error) {
	records := make([]stream.Record, len(values))
	total := 0.
	for b := range 64 {
		f := folds[b%len(folds)]
		next := f.Next()
		for i, v := range values {
			offset := next + int64(i)
			records[i] = stream.Record{Offset: offset, Time: firstTime + offset, Value: v}
		}
		if c := f.Batch(stream.Batch{Records: records, Next: next + int64(len(records))}); c.Folded != int64(len(records)) {
			return 0, fmt.Errorf("%d of %d records were folded", c.Folded, len(records))
		}
		total += float64(len(records))
		if b >= 64-len(folds) {
			f.Saved(f.Cut().Panes)
		}
	}
	return total, nil
}
