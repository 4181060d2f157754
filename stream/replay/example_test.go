package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"

	"phasor/stream/decode"
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

func ExampleNewParquet() {
	type row struct {
		Time   int64     `parquet:"time,timestamp(millisecond)"`
		Flow   float64   `parquet:"flow"`
		Levels []float64 `parquet:"levels,list"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []row{{1767323045000, 1.5, []float64{7, 8}}, {1767323046000, 2.5, nil}}); err != nil {
		fmt.Println(err)
		return
	}
	f, err := replay.NewParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), "pump.parquet", replay.Options{
		Decode: decode.Config{Channels: []decode.Channel{{Name: "flow"}, {Name: "second level", Path: "levels[1]"}}, Missing: "last"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		x, ms, err := f.Next()
		if err != nil {
			break
		}
		fmt.Println(ms, x)
	}
	// Output:
	// 1767323045000 [1.5 8]
	// 1767323046000 [2.5 8]
}
