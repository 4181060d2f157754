package snapshot_test

import (
	"context"
	"fmt"
	"log"

	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
)

// A sketcher saves the state of a partition; a trainer reads the newest of each.
func Example() {
	ctx := context.Background()
	store := snapshot.Open(mem.New(), "press-line-4")
	pilot := []float64{20.1, 1.2, 19.8, 1.1, 20.4, 1.3, 20.0, 1.2}
	spec, _, err := feature.Calibrate(pilot, feature.CalibrateOptions{Names: []string{"temperature", "pressure"}, Features: 32, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	epoch, err := store.CreateSpec(ctx, spec)
	if err != nil {
		log.Fatal(err)
	}
	for partition := range 2 {
		a := sketch.New(epoch.Map())
		a.Fold([]int32{10, 20, 30, 40})
		err := epoch.SaveState(ctx, &snapshot.State{
			PartitionID: snapshot.PartitionID{Topic: "press.sensors", TopicID: "-", Partition: partition},
			Next:        2, Watermark: snapshot.NoTime, LastOffset: 1, Sealed: a,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	states, err := epoch.LoadStates(ctx)
	if err != nil {
		log.Fatal(err)
	}
	total, err := snapshot.MergeStates(states)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(states), "partitions,", total.Count(), "records, epoch", epoch.Number)
	// Output: 2 partitions, 4 records, epoch 1
}
