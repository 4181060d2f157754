package decode

import (
	"encoding/binary"
	"fmt"
	"math"

	"phasor/stream"
)

// tagsDecoder assembles long records into one vector a tick. A tick is
// complete when a record of a later one comes; nothing else ends it, so that
// the vectors depend on the records alone.
//
// A record of an earlier tick than the pending one is rejected as schema: its
// vector has gone. After lateLimit of them in a row the pending tick is taken
// for the error of a wrong clock: it is dropped, and assembly goes on from the
// record's tick.
type tagsDecoder struct {
	*scanner
	policy
	maxBytes int
	channels int
	length   int64 // of a tick
	value    [1]float64

	pending bool
	tick    int64
	late    uint32
	have    []bool
	x       []float64
	status  []uint8
}

func (t *tagsDecoder) lateLimit() uint32 { return uint32(1000 + 4*t.channels) }

func newTags(c Config) (Decoder, error) {
	d := len(c.Channels)
	s := newScanner(c, 1)
	value := s.at(c.Tags.Value)
	s.nodes[value].channels = append(s.nodes[value].channels, 0)
	s.nodes[s.at(c.Tags.Tag)].tag = true
	s.fields(c)
	s.compile()
	s.tags = make(map[string]int32, d)
	for k := range c.Channels {
		s.tags[c.path(k)] = int32(k)
	}
	return &tagsDecoder{
		scanner: s, policy: newPolicy(d, c.Missing == "last"), maxBytes: c.MaxBytes, channels: d, length: c.Tags.Tick,
		have: make([]bool, d), x: make([]float64, d), status: make([]uint8, d),
	}, nil
}

func (t *tagsDecoder) Decode(x []float64, rec *stream.Record) Result {
	if why := envelope(rec, t.maxBytes); why != Accepted {
		return reject(why)
	}
	regular, ok := t.scan(rec.Value, t.value[:])
	if !ok {
		return reject(Decode)
	}
	s := &t.sink
	if s.matched != s.all {
		return reject(Filtered)
	}
	if s.tagHow != present {
		return reject(Schema)
	}
	k := int(s.tag)
	if k < 0 {
		return reject(Filtered)
	}
	tick := rec.Time
	if s.timed {
		tick = s.time
	}
	if s.timed && s.timeHow != present || tick < 0 {
		return Result{Reason: Schema, Time: -1, Channel: k}
	}
	if t.length > 0 {
		tick -= tick % t.length
	}
	v, how := t.value[0], present
	if !regular {
		how = s.status[0]
	}
	if how == wrong || how != present && !t.hold {
		return Result{Reason: Schema, Time: -1, Channel: k}
	}
	if how == present && (math.IsInf(v, 0) || v != v && !t.hold) {
		return Result{Reason: Nonfinite, Time: -1, Channel: k}
	}
	return t.assemble(x[:t.channels], k, tick, v, how == present && v == v)
}

// assemble adds a value of channel k to its tick, and completes the previous
// one.
func (t *tagsDecoder) assemble(x []float64, k int, tick int64, v float64, set bool) Result {
	r := Result{Time: -1, Channel: -1}
	switch {
	case !t.pending:
		t.begin(tick)
	case tick > t.tick:
		r = t.complete(x)
		t.begin(tick)
	case tick < t.tick:
		if t.late++; t.late < t.lateLimit() {
			return Result{Reason: Schema, Time: -1, Channel: k}
		}
		t.begin(tick)
	}
	t.late = 0
	if set {
		t.x[k], t.have[k] = v, true
	}
	return r
}

func (t *tagsDecoder) begin(tick int64) {
	t.pending, t.tick, t.late = true, tick, 0
	clear(t.have)
}

func (t *tagsDecoder) complete(x []float64) Result {
	copy(x, t.x)
	for k, h := range t.have {
		t.status[k] = absent
		if h {
			t.status[k] = present
		}
	}
	r := t.settle(x, t.status)
	if r.Reason == Accepted {
		r.Time = t.tick
	}
	return r
}

// State appends to the policy's state whether a tick is pending and, if so, its
// time as int64, the count of late records in a row as uint32, and the tick's
// values in the form of the last values.
func (t *tagsDecoder) State() []byte {
	b := t.appendState(nil, 't', t.channels)
	if !t.pending {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.tick))
	b = binary.LittleEndian.AppendUint32(b, t.late)
	return appendValues(b, t.have, t.x)
}

func (t *tagsDecoder) Restore(state []byte) error {
	if len(state) == 0 {
		t.policy = newPolicy(t.channels, t.hold)
		t.pending = false
		return nil
	}
	q, rest, err := t.restoreState(state, 't', t.channels)
	if err != nil {
		return err
	}
	if len(rest) == 1 && rest[0] == 0 {
		t.policy, t.pending = q, false
		return nil
	}
	if len(rest) != 13+9*t.channels || rest[0] != 1 {
		return fmt.Errorf("decode: state has %d bytes for its pending tick, which takes %d: %w", len(rest), 13+9*t.channels, ErrState)
	}
	tick := int64(binary.LittleEndian.Uint64(rest[1:]))
	late := binary.LittleEndian.Uint32(rest[9:])
	if tick < 0 || late >= t.lateLimit() {
		return fmt.Errorf("decode: state holds the impossible tick %d with %d late records: %w", tick, late, ErrState)
	}
	have, x := make([]bool, t.channels), make([]float64, t.channels)
	if _, err := readValues(rest[13:], have, x); err != nil {
		return err
	}
	t.policy, t.pending, t.tick, t.late, t.have, t.x = q, true, tick, late, have, x
	return nil
}
