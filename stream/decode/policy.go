package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What a record said of one channel.
const (
	absent uint8 = iota
	present
	null
	wrong
)

// policy decides what becomes of a vector with gaps, and holds the last value
// of each channel.
type policy struct {
	hold     bool
	last     []float64
	seen     []bool
	complete bool
}

func newPolicy(d int, hold bool) policy {
	p := policy{hold: hold}
	if hold {
		p.last = make([]float64, d)
		p.seen = make([]bool, d)
	}
	return p
}

// regular accepts a vector of which all channels are finite.
func (p *policy) regular(x []float64) {
	if !p.hold {
		return
	}
	copy(p.last, x)
	if !p.complete {
		for k := range p.seen {
			p.seen[k] = true
		}
		p.complete = true
	}
}

// settle judges a vector, given what its record said of each channel; a nil
// status stands for all present. No status is wrong.
func (p *policy) settle(x []float64, status []uint8) Result {
	for k, v := range x {
		if status != nil && status[k] != present {
			continue
		}
		if math.IsInf(v, 0) || v != v && !p.hold {
			return Result{Reason: Nonfinite, Time: -1, Channel: k}
		}
	}
	if !p.hold {
		for k, s := range status {
			if s != present {
				return Result{Reason: Schema, Time: -1, Channel: k}
			}
		}
		return Result{Emitted: true, Time: -1, Channel: -1}
	}
	r := Result{Emitted: true, Time: -1, Channel: -1}
	for k, v := range x {
		switch {
		case (status == nil || status[k] == present) && v == v:
			p.last[k] = v
			p.seen[k] = true
		case p.seen[k]:
			x[k] = p.last[k]
			r.Missing++
		case r.Reason == Accepted:
			r = Result{Reason: Schema, Time: -1, Channel: k}
		}
	}
	if r.Reason != Accepted {
		r.Missing = 0
	}
	return r
}

// ErrState is wrapped by the errors of Restore.
var ErrState = errors.New("decoder state does not fit")

// The state begins with its version, the format's letter, the policy ('r' or
// 'l') and the number of channels as a little-endian uint32. With the policy
// 'l' there follow one byte a channel (1: a value was seen) and the last
// values as float64, 0 where none was seen. The tags format adds its pending
// tick behind that.
const stateVersion = 1

func (p *policy) appendState(b []byte, format byte, d int) []byte {
	rule := byte('r')
	if p.hold {
		rule = 'l'
	}
	b = append(b, stateVersion, format, rule)
	b = binary.LittleEndian.AppendUint32(b, uint32(d))
	if !p.hold {
		return b
	}
	return appendValues(b, p.seen, p.last)
}

// restoreState returns the policy that state describes and the bytes behind it.
func (p *policy) restoreState(state []byte, format byte, d int) (policy, []byte, error) {
	q := newPolicy(d, p.hold)
	if len(state) < 7 {
		return q, nil, fmt.Errorf("decode: state of %d bytes is too short: %w", len(state), ErrState)
	}
	if state[0] != stateVersion {
		return q, nil, fmt.Errorf("decode: state of version %d, this program reads version %d: %w", state[0], stateVersion, ErrState)
	}
	rule := byte('r')
	if p.hold {
		rule = 'l'
	}
	if n := binary.LittleEndian.Uint32(state[3:]); state[1] != format || state[2] != rule || int64(n) != int64(d) {
		return q, nil, fmt.Errorf("decode: state of format %q, missing %q, %d channels; the configuration has %q, %q, %d: restore the configuration that wrote it: %w",
			state[1], state[2], n, format, rule, d, ErrState)
	}
	state = state[7:]
	if !p.hold {
		return q, state, nil
	}
	state, err := readValues(state, q.seen, q.last)
	if err != nil {
		return q, nil, err
	}
	q.complete = true
	for _, s := range q.seen {
		q.complete = q.complete && s
	}
	return q, state, nil
}

// restoreWhole assigns the policy that state describes, which must be all of it.
func (p *policy) restoreWhole(state []byte, format byte, d int) error {
	if len(state) == 0 {
		*p = newPolicy(d, p.hold)
		return nil
	}
	q, rest, err := p.restoreState(state, format, d)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("decode: state has %d bytes too many: %w", len(rest), ErrState)
	}
	*p = q
	return nil
}

func appendValues(b []byte, have []bool, v []float64) []byte {
	for _, s := range have {
		if s {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	for k, s := range have {
		bits := uint64(0)
		if s {
			bits = math.Float64bits(v[k])
		}
		b = binary.LittleEndian.AppendUint64(b, bits)
	}
	return b
}

// readValues is the inverse of appendValues for len(have) values, all finite.
func readValues(b []byte, have []bool, v []float64) ([]byte, error) {
	d := len(have)
	if len(b) < 9*d {
		return nil, fmt.Errorf("decode: state ends %d bytes early: %w", 9*d-len(b), ErrState)
	}
	for k := range have {
		bits := binary.LittleEndian.Uint64(b[d+8*k:])
		f := math.Float64frombits(bits)
		if b[k] > 1 || b[k] == 0 && bits != 0 || f-f != 0 {
			return nil, fmt.Errorf("decode: state holds an impossible value of channel %d: %w", k, ErrState)
		}
		have[k] = b[k] == 1
		v[k] = f
	}
	return b[9*d:], nil
}
