package sketcher

import (
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"phasor/stream"
	"phasor/stream/decode"
)

const (
	rejectEvery  = 10 * time.Second // Between two samples of one reason of a partition.
	rejectLines  = 20               // Samples of all partitions in that time.
	rejectSample = 256              // Bytes of a record that are shown.
)

// rejectBudget bounds the samples of all partitions of a service.
type rejectBudget struct {
	mu    sync.Mutex
	began time.Time
	lines int
}

func (b *rejectBudget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.began) >= rejectEvery {
		b.began, b.lines = now, 0
	}
	b.lines++
	return b.lines <= rejectLines
}

// rejectLog writes samples of a partition's rejected records at a bounded rate: one of each reason in rejectEvery as far as
// the budget allows, with the number of those that were passed over.
type rejectLog struct {
	log     *slog.Logger
	budget  *rejectBudget
	now     func() time.Time
	last    [numReasons]time.Time
	skipped [numReasons]int64
}

func newRejectLog(log *slog.Logger, budget *rejectBudget) *rejectLog {
	return &rejectLog{log: log, budget: budget, now: time.Now}
}

func (l *rejectLog) add(r *stream.Record, reason decode.Reason) {
	now := l.now()
	if !l.last[reason].IsZero() && now.Sub(l.last[reason]) < rejectEvery {
		l.skipped[reason]++
		return
	}
	l.last[reason] = now
	if !l.budget.take(now) {
		l.skipped[reason]++
		return
	}
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
