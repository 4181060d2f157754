package decode_test

import (
	"fmt"

	"phasor/stream"
	"phasor/stream/decode"
)

func Example() {
	d, err := decode.New(decode.Config{
		Channels: []decode.Channel{{Name: "temperature", Path: "readings.temp_c"}, {Name: "pressure", Path: "readings.p_bar"}},
		Time:     decode.Time{Field: "ts", Unit: "rfc3339"},
		Missing:  "last",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 2)
	for _, value := range []string{
		`{"ts": "2026-01-02T03:04:05Z", "readings": {"temp_c": 21.5, "p_bar": 1.013}}`,
		`{"ts": "2026-01-02T03:04:06Z", "readings": {"temp_c": null, "p_bar": 1.02}}`,
		`{"ts": "2026-01-02T03:04:07Z", "readings": {"temp_c": "hot", "p_bar": 1.02}}`,
	} {
		r := d.Decode(x, &stream.Record{Time: stream.NoTime, Value: []byte(value)})
		if r.Emitted {
			fmt.Println(r.Time, x, r.Missing)
		} else {
			fmt.Println(r.Reason, r.Channel)
		}
	}
	// Output:
	// 1767323045000 [21.5 1.013] 0
	// 1767323046000 [21.5 1.02] 1
	// schema 0
}

// A line becomes its numbers, its level and its hashed words.
func Example_log() {
	c := decode.Config{Format: "log", Log: decode.Log{Pattern: "<time> <level> <message> in <ms:number> ms", Hash: 4},
		Channels: []decode.Channel{{Name: "ms"}, {Name: "level", Path: "$level"}}}
	d, err := decode.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Names())
	x := make([]float64, len(c.Vector()))
	r := d.Decode(x, &stream.Record{Time: stream.NoTime, Value: []byte("2026-01-02 03:04:05,678 WARN request 17 of 10.0.0.1 done in 250 ms")})
	fmt.Println(r.Time, x)
	// Output:
	// [ms level hash0 hash1 hash2 hash3]
	// 1767323045678 [250 5 0 -0.2 0.2 0.2]
}

// Records of several sensors become the last three values of each.
func Example_window() {
	d, err := decode.New(decode.Config{Channels: []decode.Channel{{Name: "v"}}, Window: decode.Window{Lags: 3, Key: "sensor"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 3)
	for _, value := range []string{
		`{"sensor":"a","v":1}`, `{"sensor":"b","v":10}`, `{"sensor":"a","v":2}`, `{"sensor":"a","v":3}`, `{"sensor":"b","v":20}`, `{"sensor":"a","v":4}`,
	} {
		if d.Decode(x, &stream.Record{Value: []byte(value)}).Emitted {
			fmt.Println(x)
		}
	}
	// Output:
	// [1 2 3]
	// [2 3 4]
}
