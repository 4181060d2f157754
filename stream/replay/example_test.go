package replay_test

import (
	"errors"
	"fmt"
	"strings"

	"phasor/stream/replay"
)

func ExampleNewCSV() {
	text := "time;flow;state\n2026-01-02 03:04:05;1,5;on\n2026-01-02 03:04:06;;on\n2026-01-02 03:04:07;2,5;off\n"
	f, err := replay.NewCSV(strings.NewReader(text), "pump.csv", replay.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Channels())
	for {
		x, ms, err := f.Next()
		var bad *replay.RowError
		if errors.As(err, &bad) {
			fmt.Println(bad)
			continue
		}
		if err != nil {
			break
		}
		fmt.Println(ms, x)
	}
	// Output:
	// [flow]
	// 1767323045000 [1.5]
	// replay: pump.csv line 3: column "flow" is absent, empty or of the wrong type (schema)
	// 1767323047000 [2.5]
}
