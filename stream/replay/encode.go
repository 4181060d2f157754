package replay

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"phasor/stream/decode"
)

// Encoder writes rows as the values of records.
type Encoder interface {
	// Append appends the row to dst and returns the extended slice. It does
	// not allocate unless dst is too small.
	Append(dst []byte, x []float64, timeMs int64) []byte

	// Config is the configuration that decodes what Append writes, to the last
	// bit.
	Config() decode.Config
}

// NewEncoder returns an encoder to json, csv, float32 or float64. With a time
// field, json and csv rows begin with the time in milliseconds. Raw formats have
// no fields, and float32 rounds.
func NewEncoder(format string, channels []string, timeField string) (Encoder, error) {
	c := decode.Config{Format: format}
	if slices.Contains(channels, timeField) {
		return nil, fmt.Errorf("replay: the time field %q is also a channel: name it differently", timeField)
	}
	var names []string
	if timeField != "" {
		names = append(names, timeField)
	}
	names = append(names, channels...)
	var e Encoder
	switch format {
	case "json":
		j := &jsonEncoder{}
		for k, name := range names {
			key, err := json.Marshal(name)
			if err != nil {
				return nil, fmt.Errorf("replay: name %q: %w", name, err)
			}
			start := ","
			if k == 0 {
				start = "{"
			}
			j.keys = append(j.keys, start+string(key)+":")
		}
		for _, name := range channels {
			c.Channels = append(c.Channels, decode.Channel{Name: name, Path: EscapePath(name)})
		}
		if timeField != "" {
			c.Time = decode.Time{Field: EscapePath(timeField), Unit: "ms"}
		}
		j.timed, j.config = timeField != "", c
		e = j
	case "csv":
		for _, name := range channels {
			c.Channels = append(c.Channels, decode.Channel{Name: name})
		}
		c.CSV.Header = names
		if timeField != "" {
			c.Time = decode.Time{Field: timeField, Unit: "ms"}
		}
		e = &csvEncoder{timed: timeField != "", config: c}
	case "float32", "float64":
		if timeField != "" {
			return nil, fmt.Errorf("replay: time field %q with format %s, which has no fields: leave it empty, the record carries its time", timeField, format)
		}
		for _, name := range channels {
			c.Channels = append(c.Channels, decode.Channel{Name: name})
		}
		e = &rawEncoder{single: format == "float32", config: c}
	default:
		return nil, fmt.Errorf("replay: cannot write format %q: use json, csv, float32 or float64", format)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return e, nil
}

type jsonEncoder struct {
	keys   []string // each with the punctuation before and after it
	timed  bool
	config decode.Config
}

func (e *jsonEncoder) Config() decode.Config { return e.config }

// Append writes NaN as null, which is a missing value, and infinities as
// numbers beyond the range of float64, which decode as infinite again.
func (e *jsonEncoder) Append(dst []byte, x []float64, timeMs int64) []byte {
	keys := e.keys
	if e.timed {
		dst = append(dst, keys[0]...)
		dst = strconv.AppendInt(dst, timeMs, 10)
		keys = keys[1:]
	}
	for k, v := range x[:len(keys)] {
		dst = append(dst, keys[k]...)
		switch {
		case v != v:
			dst = append(dst, "null"...)
		case math.IsInf(v, 1):
			dst = append(dst, "1e999"...)
		case math.IsInf(v, -1):
			dst = append(dst, "-1e999"...)
		default:
			dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
		}
	}
	return append(dst, '}')
}

type csvEncoder struct {
	timed  bool
	config decode.Config
}

func (e *csvEncoder) Config() decode.Config { return e.config }

func (e *csvEncoder) Append(dst []byte, x []float64, timeMs int64) []byte {
	if e.timed {
		dst = strconv.AppendInt(dst, timeMs, 10)
		dst = append(dst, ',')
	}
	for k, v := range x[:len(e.config.Channels)] {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
	return dst
}

type rawEncoder struct {
	single bool
	config decode.Config
}

func (e *rawEncoder) Config() decode.Config { return e.config }

func (e *rawEncoder) Append(dst []byte, x []float64, _ int64) []byte {
	for _, v := range x[:len(e.config.Channels)] {
		if e.single {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v)))
		} else {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
	}
	return dst
}

// AppendHeader appends the names as the first row of a csv file, without a line
// end.
func AppendHeader(dst []byte, names []string) []byte {
	for k, name := range names {
		if k > 0 {
			dst = append(dst, ',')
		}
		plain := name != ""
		for i := 0; i < len(name); i++ {
			switch name[i] {
			case ',', '"', '\n', '\r', ' ', '\t':
				plain = false
			}
		}
		if plain {
			dst = append(dst, name...)
			continue
		}
		dst = append(dst, '"')
		for i := 0; i < len(name); i++ {
			if name[i] == '"' {
				dst = append(dst, '"')
			}
			dst = append(dst, name[i])
		}
		dst = append(dst, '"')
	}
	return dst
}
