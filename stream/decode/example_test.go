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
