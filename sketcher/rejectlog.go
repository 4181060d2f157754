package sketcher

import (
	"log/slog"
	"time"
	"unicode/utf8"

	"phasor/stream"
	"phasor/stream/decode"
)

const (
	rejectEvery  = 10 * time.Second // Between two samples of one reason.
	rejectSample = 256              // Bytes of a record that are shown.
)

// rejectLog writes samples of rejected records at a bounded rate: one of each reason in rejectEvery, with the number of
// those that were passed over.
type rejectLog struct {
	log     *slog.Logger
	now     func() time.Time
	last    [numReasons]time.Time
	skipped [numReasons]int64
}

func newRejectLog(log *slog.Logger) *rejectLog { return &rejectLog{log: log, now: time.Now} }

func (l *rejectLog) add(r *stream.Record, reason decode.Reason) {
	now := l.now()
	if !l.last[reason].IsZero() && now.Sub(l.last[reason]) < rejectEvery {
		l.skipped[reason]++
		return
	}
	l.last[reason] = now
	l.log.Warn("record rejected", "reason", reason.String(), "offset", r.Offset, "bytes", len(r.Value), "value", sample(r.Value), "not_shown", l.skipped[reason])
	l.skipped[reason] = 0
}

// sample returns the beginning of v, without half a character at its end.
func sample(v []byte) string {
	if len(v) <= rejectSample {
		return string(v)
	}
	v = v[:rejectSample]
	for i := 0; i < utf8.UTFMax && len(v) > 0; i++ {
		if r, n := utf8.DecodeLastRune(v); r != utf8.RuneError || n > 1 {
			break
		}
		v = v[:len(v)-1]
	}
	return string(v) + "…"
}
