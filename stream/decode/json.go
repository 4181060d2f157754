package decode

import "phasor/stream"

type jsonDecoder struct {
	*scanner
	policy
	maxBytes int
}

func newJSON(c Config) (Decoder, error) {
	d := len(c.Channels)
	s := newScanner(c, d)
	s.channels(c)
	s.fields(c)
	s.compile()
	return &jsonDecoder{scanner: s, policy: newPolicy(d, c.Missing == "last"), maxBytes: c.MaxBytes}, nil
}

func (j *jsonDecoder) Decode(x []float64, rec *stream.Record) Result {
	if r := envelope(rec, j.maxBytes); r != Accepted {
		return reject(r)
	}
	x = x[:j.d]
	regular, ok := j.scan(rec.Value, x)
	if !ok {
		return reject(Decode)
	}
	return j.conclude(&j.policy, x, rec, regular, j.shape)
}

// conclude judges a record whose grammar is right. It is shared by the formats
// with fields. The shape is the Reason to reject the array of channels, if any.
func (s *sink) conclude(p *policy, x []float64, rec *stream.Record, regular bool, shape Reason) Result {
	if s.matched != s.all {
		return reject(Filtered)
	}
	if s.clock != nil {
		s.readClock(rec.Time)
	}
	if s.timed && s.timeHow != present {
		return reject(Schema)
	}
	r := Result{Emitted: true, Time: -1, Channel: -1}
	if regular {
		p.regular(x)
	} else {
		if k := s.firstWrong(); k >= 0 {
			return Result{Reason: Schema, Time: -1, Channel: k}
		}
		if shape != Accepted {
			return reject(shape)
		}
		if r = p.settle(x, s.status); r.Reason != Accepted {
			return r
		}
	}
	r.Time = rec.Time
	if s.timed {
		r.Time = s.time
	}
	return r
}

func (j *jsonDecoder) State() []byte { return j.appendState(nil, 'j', j.d) }

func (j *jsonDecoder) Restore(state []byte) error {
	return j.policy.restoreWhole(state, 'j', j.d)
}
