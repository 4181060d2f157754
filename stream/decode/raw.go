package decode

import (
	"encoding/binary"
	"math"

	"phasor/stream"
)

type rawDecoder struct {
	policy
	d, size, maxBytes int
}

func newRaw(c Config) Decoder {
	r := &rawDecoder{policy: newPolicy(len(c.Channels), c.Missing == "last"), d: len(c.Channels), size: 8, maxBytes: c.MaxBytes}
	if c.Format == "float32" {
		r.size = 4
	}
	return r
}

func (r *rawDecoder) Decode(x []float64, rec *stream.Record) Result {
	if why := envelope(rec, r.maxBytes); why != Accepted {
		return reject(why)
	}
	b := rec.Value
	if len(b) != r.d*r.size {
		return reject(Dimension)
	}
	x = x[:r.d]
	finite := true
	if r.size == 4 {
		for k := range x {
			v := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*k:])))
			finite = finite && v-v == 0
			x[k] = v
		}
	} else {
		for k := range x {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b[8*k:]))
			finite = finite && v-v == 0
			x[k] = v
		}
	}
	res := Result{Emitted: true, Channel: -1}
	if finite {
		r.regular(x)
	} else if res = r.settle(x, nil); res.Reason != Accepted {
		return res
	}
	res.Time = rec.Time
	return res
}

func (r *rawDecoder) letter() byte {
	if r.size == 4 {
		return 'f'
	}
	return 'd'
}

func (r *rawDecoder) State() []byte { return r.appendState(nil, r.letter(), r.d) }

func (r *rawDecoder) Restore(state []byte) error {
	return r.restoreWhole(state, r.letter(), r.d)
}
