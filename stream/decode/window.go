package decode

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/zeebo/xxh3"

	"phasor/stream"
)

// Window makes the vector of the last values of the channels, for each key by
// itself: what was a series becomes records.
type Window struct {
	// Lags is the number of values of each channel; 0 means no window. Of a
	// channel v the vector has v.0, the oldest, to v.(Lags-1), the newest, with
	// leading zeros.
	Lags int `yaml:"lags" json:"lags,omitempty"`
	// Key is the field that says which series a record belongs to; "$key" is the
	// record's key, and empty means that a partition is one series.
	Key string `yaml:"key" json:"key,omitempty"`
	// Stride is the number of records of a key between two of its windows; 0
	// means 1.
	Stride int `yaml:"stride" json:"stride,omitempty"`
	// Keys bounds the keys that are remembered; 0 means 10000. A new key beyond
	// them replaces the one that was silent for the most records.
	Keys int `yaml:"keys" json:"keys,omitempty"`
}

// Bounds of windows.
const (
	defaultKeys    = 10000
	maxLags        = 1024
	maxStride      = 1 << 20
	maxKeys        = 1 << 20
	maxWindowBytes = 64 << 20 // of all windows of a partition together
	recordKey      = "$key"
)

// field says that the key is a field of the record's value.
func (w Window) field() bool { return w.Lags > 0 && w.Key != "" && w.Key != recordKey }

// bytes is what the state of all windows of d channels takes.
func (w Window) bytes(d int) int64 { return int64(w.Keys) * (24 + 8*int64(d)*int64(w.Lags)) }

// Vector returns the elements of the vectors: the channels, or with a window
// each of them as often as the window is long.
func (c Config) Vector() []Channel {
	c = c.withDefaults()
	lags := c.Window.Lags
	if lags < 1 || lags > maxLags || len(c.Channels) > MaxChannels {
		return c.Channels
	}
	width := len(strconv.Itoa(lags - 1))
	v := make([]Channel, 0, lags*len(c.Channels))
	for _, ch := range c.Channels {
		for k := range lags {
			v = append(v, Channel{Name: fmt.Sprintf("%s.%0*d", ch.Name, width, k), Path: ch.Path, Transform: ch.Transform})
		}
	}
	return v
}

func (c Config) validateWindow() error {
	w := c.Window
	if w.Lags == 0 {
		if w != (Window{}) {
			return fmt.Errorf("decode: a window without lags: give the number of values of a window as window.lags, or remove the section")
		}
		return nil
	}
	switch {
	case w.Lags < 2 || w.Lags > maxLags:
		return fmt.Errorf("decode: window.lags is %d: give a length from 2 to %d", w.Lags, maxLags)
	case w.Stride < 1 || w.Stride > maxStride:
		return fmt.Errorf("decode: window.stride is %d: give the records between two windows, from 1 to %d", w.Stride, maxStride)
	case w.Keys < 1 || w.Keys > maxKeys:
		return fmt.Errorf("decode: window.keys is %d: give the number of keys to remember, from 1 to %d", w.Keys, maxKeys)
	case w.Lags*len(c.Channels) > MaxChannels:
		return fmt.Errorf("decode: windows of %d values of %d channels: the vector would have more than %d elements", w.Lags, len(c.Channels), MaxChannels)
	case w.bytes(len(c.Channels)) > maxWindowBytes:
		return fmt.Errorf("decode: %d keys with %d values of %d channels each: the windows of a partition would take %d MiB, more than the %d that are saved with its state; lower window.keys",
			w.Keys, w.Lags, len(c.Channels), w.bytes(len(c.Channels))>>20, maxWindowBytes>>20)
	case w.Key != "" && c.Missing == "last":
		return fmt.Errorf("decode: missing is last and window.key %q: the last value would be that of another key; set missing: reject", w.Key)
	case w.field() && !c.layouts():
		return fmt.Errorf("decode: window.key %q with format %s: a field as the key needs json, csv, log, avro or protobuf; use %s, the record's key", w.Key, c.Format, recordKey)
	case w.Key != "" && c.Format == "tags":
		return fmt.Errorf("decode: window.key %q with format tags: a tick of many records has no key; remove it, and the partition is one series", w.Key)
	}
	if w.field() && (c.Format == "json" || c.typed()) {
		if _, err := parsePath(w.Key); err != nil {
			return fmt.Errorf("decode: window.key: %w", err)
		}
	}
	return nil
}

// windowDecoder turns the vectors of another decoder into windows.
type windowDecoder struct {
	inner Decoder
	field interface{ keyText() ([]byte, bool) } // nil unless the key is a field
	key   string
	base  []float64
	table windows
}

func newWindow(c Config, inner Decoder) (Decoder, error) {
	d := len(c.Channels)
	w := &windowDecoder{inner: inner, key: c.Window.Key, base: make([]float64, d),
		table: newWindows(c.Window.Keys, d, c.Window.Lags, c.Window.Stride)}
	if c.Window.field() {
		field, ok := inner.(interface{ keyText() ([]byte, bool) })
		if !ok {
			return nil, fmt.Errorf("decode: window.key %q: format %s has no fields that can be keys", w.key, c.Format)
		}
		w.field = field
	}
	return w, nil
}

// Decode accepts records without emitting a vector until a window is full. A
// record without a key is rejected as schema.
func (w *windowDecoder) Decode(x []float64, rec *stream.Record) Result {
	r := w.inner.Decode(w.base, rec)
	if !r.Emitted {
		return r
	}
	var key []byte
	switch {
	case w.field != nil:
		text, ok := w.field.keyText()
		if !ok {
			return reject(Schema)
		}
		key = text
	case w.key != "":
		if rec.Key == nil {
			return reject(Schema)
		}
		key = rec.Key
	}
	e := w.table.touch(xxh3.Hash128(key))
	if !w.table.push(e, w.base) {
		r.Emitted, r.Time = false, -1
		return r
	}
	w.table.copyTo(x[:w.table.d*w.table.lags], e)
	return r
}

// The state is the version, the letter 'w', the length of the inner decoder's
// state and that state, the channels, the lags and the number of keys, and the
// keys from the one that was silent longest: its 128-bit XXH3, the number of its
// values, the records before its next window, and the values of each record
// from the oldest. All numbers are little-endian uint32, values float64.
func (w *windowDecoder) State() []byte {
	inner := w.inner.State()
	b := append(make([]byte, 0, len(inner)+32+w.table.stateBytes()), stateVersion, 'w')
	b = binary.LittleEndian.AppendUint32(b, uint32(len(inner)))
	b = append(b, inner...)
	return w.table.appendState(b)
}

func (w *windowDecoder) Restore(state []byte) error {
	if len(state) == 0 {
		if err := w.inner.Restore(nil); err != nil {
			return err
		}
		w.table = newWindows(w.table.limit, w.table.d, w.table.lags, w.table.stride)
		return nil
	}
	if len(state) < 6 || state[0] != stateVersion || state[1] != 'w' {
		return fmt.Errorf("decode: state is none of windows: restore the configuration that wrote it: %w", ErrState)
	}
	n := int64(binary.LittleEndian.Uint32(state[2:]))
	if n > int64(len(state)-6) || n == 0 {
		return fmt.Errorf("decode: state of windows ends early or has no inner state: %w", ErrState)
	}
	table := newWindows(w.table.limit, w.table.d, w.table.lags, w.table.stride)
	if err := table.restore(state[6+n:]); err != nil {
		return err
	}
	if err := w.inner.Restore(state[6 : 6+n]); err != nil {
		return err
	}
	w.table = table
	return nil
}
