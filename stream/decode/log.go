package decode

import (
	"math"
	"regexp"

	"phasor/stream"
)

// logDecoder makes vectors of lines of text: numbers of their fields, and what
// is computed from the free text, the message.
type logDecoder struct {
	*scanner
	policy
	maxBytes  int
	unmatched Reason
	log       Log

	pattern *line              // of text
	re      *regexp.Regexp     // of text
	targets []target           // of the fields of pattern and re
	names   map[string]*target // of logfmt
	own     *clock             // of the field of the time in a pattern
	guessed bool               // the time may be in one of many fields, or in none

	features []feature // of the channels
	words    tokens
	wants    struct{ level, tokens, features bool }
	hashes   []float64
}

func newLog(c Config) (Decoder, error) {
	d := len(c.Channels)
	l := &logDecoder{policy: newPolicy(d, c.Missing == "last"), maxBytes: c.MaxBytes, log: c.Log,
		unmatched: Decode, features: make([]feature, d), hashes: make([]float64, c.Log.Hash)}
	if c.Log.Unmatched == "skip" {
		l.unmatched = Filtered
	}
	guess := c.Log.structured() && c.Time.Field == ""
	if guess {
		c.Time.Field, c.Time.Unit = "time", "auto"
	}
	l.scanner = newScanner(c, d)
	l.guessed = guess
	for k := range c.Channels {
		f, err := c.Log.parseFeature(c.path(k))
		if err != nil {
			return nil, err
		}
		l.features[k] = f
		l.wants.features = l.wants.features || f.kind != 0
		l.wants.level = l.wants.level || f.kind == 'v'
		l.wants.tokens = l.wants.tokens || f.kind == 't' || f.kind == 'h' || f.kind == 'm'
	}
	return l, l.place(c)
}

func (l *logDecoder) Decode(x []float64, rec *stream.Record) Result {
	if why := envelope(rec, l.maxBytes); why != Accepted {
		return reject(why)
	}
	x = x[:l.d]
	b := trimLine(rec.Value)
	if len(b) == 0 {
		return reject(l.unmatched)
	}
	regular := false
	if l.log.Pattern == "json" {
		var ok bool
		if regular, ok = l.scan(b, x); !ok {
			return reject(l.unmatched)
		}
	} else {
		l.begin(x)
		clear(l.status)
		if !l.split(b, rec.Time) {
			return reject(l.unmatched)
		}
	}
	if l.guessed {
		l.timed = l.kept[keepTime].rank > 0
	}
	if l.matched == l.all && l.wants.features {
		l.compute(b)
	}
	return l.conclude(&l.policy, x, rec, regular, Accepted)
}

// trimLine drops the line's end and the blanks before it.
func trimLine(b []byte) []byte {
	for n := len(b); n > 0; n = len(b) {
		if c := b[n-1]; c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			break
		}
		b = b[:n-1]
	}
	return b
}

// compute sets the channels that are features. Hash channels hold, of the
// message's n tokens of which bucket b has the sum c of their signs,
//
//	length  c / n
//	log     sign(c) ln(1 + |c|)
//	counts  c
//	unit    c / |c|, the vector's Euclidean length; 0 without tokens
func (l *logDecoder) compute(line []byte) {
	message := line
	if k := &l.kept[keepMessage]; k.rank > 0 {
		message = k.text
	} else if l.log.Message != "" || l.log.structured() {
		message = nil
	}
	level := uint8(0)
	if l.wants.level {
		if k := &l.kept[keepLevel]; k.rank > 0 {
			level = levelOf(k.text)
		} else if l.log.Level == "" && !l.log.structured() {
			level = findLevel(line)
		}
	}
	count, template := 0, uint64(0)
	if l.wants.tokens {
		count, template = l.count(message)
	}
	for k, f := range l.features {
		v := 0.0
		switch f.kind {
		case 0:
			continue
		case 'v':
			v = float64(level)
		case 'l':
			v = float64(len(message))
		case 't':
			v = float64(count)
		case 'h':
			v = l.hashes[f.bucket]
		case 'm':
			if bucket(template, l.log.Templates) == f.bucket {
				v = 1
			}
		}
		l.x[k], l.status[k] = v, present
	}
}

// count hashes the tokens and returns their number and the template's hash.
func (l *logDecoder) count(message []byte) (n int, template uint64) {
	clear(l.hashes)
	l.words.start(message)
	for token := l.words.next(); token != nil; token = l.words.next() {
		h := hashToken(token)
		template = chain(template, h)
		if len(l.hashes) > 0 {
			l.hashes[bucket(h, len(l.hashes))] += tokenSign(h)
		}
		n++
	}
	switch l.log.Norm {
	case "log":
		for i, c := range l.hashes {
			l.hashes[i] = math.Copysign(math.Log1p(math.Abs(c)), c)
		}
	case "length":
		for i := range l.hashes {
			l.hashes[i] /= float64(max(n, 1))
		}
	case "unit":
		squares := 0.0
		for _, c := range l.hashes {
			squares += float64(c * c)
		}
		for i := range l.hashes {
			l.hashes[i] /= math.Sqrt(max(squares, 1))
		}
	}
	return n, template
}

func (l *logDecoder) State() []byte { return l.appendState(nil, 'l', l.d) }

func (l *logDecoder) Restore(state []byte) error {
	return l.policy.restoreWhole(state, 'l', l.d)
}
