package main

import (
	stdjson "encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/goccy/go-json"

	"phasor/stream"
	"phasor/stream/decode"
)

// reading is the struct that users of encoding/json and its kin write for such records.
type reading struct {
	C0 float64 `json:"c0"`
	C1 float64 `json:"c1"`
	C2 float64 `json:"c2"`
	C3 float64 `json:"c3"`
	C4 float64 `json:"c4"`
	C5 float64 `json:"c5"`
	C6 float64 `json:"c6"`
	C7 float64 `json:"c7"`
	C8 float64 `json:"c8"`
	C9 float64 `json:"c9"`
}

// jsonRecords returns n objects of 10 numbers with three decimals: {"c0":17.204,"c1":…}.
func jsonRecords(n int) [][]byte {
	rng := rand.New(rand.NewPCG(3, 0))
	values := make([][]byte, n)
	for i := range values {
		b := []byte{'{'}
		for k := range dim {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(b, `"c`...)
			b = strconv.AppendInt(b, int64(k), 10)
			b = append(b, `":`...)
			b = strconv.AppendFloat(b, 20+5*rng.NormFloat64(), 'f', 3, 64)
		}
		values[i] = append(b, '}')
	}
	return values
}

func jsonConfig() decode.Config {
	c := decode.Config{Format: "json"}
	for k := range dim {
		c.Channels = append(c.Channels, decode.Channel{Name: fmt.Sprintf("c%d", k)})
	}
	return c
}

// decodeTasks decode the same records, a record a unit.
func decodeTasks() ([]task, error) {
	d, err := decode.New(jsonConfig())
	if err != nil {
		return nil, err
	}
	values := jsonRecords(4096)
	var records []stream.Record
	for i, v := range values {
		records = append(records, stream.Record{Offset: int64(i), Time: firstTime, Value: v})
	}
	if err := decodersAgree(d, records); err != nil {
		return nil, err
	}
	x := make([]float64, dim)
	var r reading
	into := func(unmarshal func([]byte, any) error) func() (float64, error) {
		return func() (float64, error) {
			for _, v := range values {
				if err := unmarshal(v, &r); err != nil {
					return 0, err
				}
			}
			return float64(len(values)), nil
		}
	}
	return []task{
		{"phasor", func() (float64, error) {
			for i := range records {
				if r := d.Decode(x, &records[i]); r.Reason != decode.Accepted {
					return 0, fmt.Errorf("record %d was rejected: %v", i, r.Reason)
				}
			}
			return float64(len(records)), nil
		}},
		{"encoding/json", into(stdjson.Unmarshal)},
		{"go-json", into(func(b []byte, v any) error { return json.Unmarshal(b, v) })},
		{"go-json-typed", func() (float64, error) {
			for _, v := range values {
				if err := json.UnmarshalOf(v, &r); err != nil {
					return 0, err
				}
			}
			return float64(len(values)), nil
		}},
	}, nil
}

// decodersAgree compares every value of every record, to the last bit.
func decodersAgree(d decode.Decoder, records []stream.Record) error {
	x := make([]float64, dim)
	for i := range records {
		d.Decode(x, &records[i])
		var a, b reading
		if err := stdjson.Unmarshal(records[i].Value, &a); err != nil {
			return err
		}
		if err := json.Unmarshal(records[i].Value, &b); err != nil {
			return err
		}
		if ours := (reading{x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9]}); a != b || a != ours {
			return fmt.Errorf("record %s: phasor %v, encoding/json %v, go-json %v", records[i].Value, ours, a, b)
		}
	}
	return nil
}
