package sketcher

import (
	"log/slog"
	"time"
	"unicode/utf8"
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

func (l *rejectLog) add(r Reject) {
	now := l.now()
	if !l.last[r.Reason].IsZero() && now.Sub(l.last[r.Reason]) < rejectEvery {
		l.skipped[r.Reason]++
		return
	}
	l.last[r.Reason] = now
	l.log.Warn("record rejected", "reason", r.Reason.String(), "offset", r.Offset, "bytes", len(r.Value), "value", sample(r.Value), "not_shown", l.skipped[r.Reason])
	l.skipped[r.Reason] = 0
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
