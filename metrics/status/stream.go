package status

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
)

const (
	flowEntries    = 240 // Of the history of a stream: four minutes of seconds, then two hours of half minutes.
	flowCoarsest   = 32
	rateWindow     = 10 * time.Second // Over which the rate of the moment is taken.
	mostPartitions = 1024             // Described; the sums hold all.
)

// streamLog listens to the sketcher of one sketch.
type streamLog struct {
	topics []string

	mu                  sync.Mutex
	counts              sketcher.Counts
	gaps                map[string]int64
	owned               map[stream.PartitionID]*owned
	saved               time.Time
	features, dimension int
	bytes               int
	flow                *history
	recent              []sampled // The samples of the last rateWindow.
}

// owned is a partition that this process reads.
type owned struct {
	next, high, durable, records int64
	waiting                      int64
	saved                        time.Time
}

// sampled are the counters at one time.
type sampled struct {
	at               time.Time
	folded, rejected int64
}

func newStreamLog(topics []string) *streamLog {
	return &streamLog{topics: topics, gaps: map[string]int64{}, owned: map[stream.PartitionID]*owned{},
		flow: newHistory(flowEntries, flowCoarsest, sum, sum, larger), recent: []sampled{{at: time.Now()}}}
}

// hooks returns h, any of whose hooks may be nil, with the log beside it.
func (l *streamLog) hooks(h sketcher.Hooks) sketcher.Hooks {
	hear := h
	h.Folded = func(id stream.PartitionID, c sketcher.Counts, took time.Duration) {
		if hear.Folded != nil {
			hear.Folded(id, c, took)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts.Folded += c.Folded
		l.counts.Duplicates += c.Duplicates
		l.counts.Late += c.Late
		l.counts.Early += c.Early
		l.counts.Missing += c.Missing
		l.counts.Clamped += c.Clamped
		for r, n := range c.Rejects {
			l.counts.Rejects[r] += n
		}
		if p := l.owned[id]; p != nil {
			p.waiting += c.Sealed
		}
	}
	h.Position = func(id stream.PartitionID, next, high int64) {
		if hear.Position != nil {
			hear.Position(id, next, high)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if p := l.owned[id]; p != nil {
			p.next, p.high = next, high
		}
	}
	h.Assigned = func(id stream.PartitionID) {
		if hear.Assigned != nil {
			hear.Assigned(id)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.owned[id] = &owned{durable: -1}
	}
	h.Released = func(id stream.PartitionID, lost bool) {
		if hear.Released != nil {
			hear.Released(id, lost)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.owned, id)
	}
	h.Gap = func(id stream.PartitionID, reason string) {
		if hear.Gap != nil {
			hear.Gap(id, reason)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gaps[reason]++
	}
	h.Saved = func(id stream.PartitionID, s sketcher.Save) {
		if hear.Saved != nil {
			hear.Saved(id, s)
		}
		l.onSaved(id, s)
	}
	h.Sketch = func(features, dimension int) {
		if hear.Sketch != nil {
			hear.Sketch(features, dimension)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.features, l.dimension = features, dimension
	}
	return h
}

func (l *streamLog) onSaved(id stream.PartitionID, s sketcher.Save) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Result == "error" {
		return
	}
	l.bytes = s.Resident
	p := l.owned[id]
	if s.Result != "ok" || p == nil {
		return
	}
	l.saved = time.Now()
	p.saved, p.durable, p.records = l.saved, s.Next, s.Records
	p.next = max(p.next, s.Next) // A partition may be saved before its position is first told.
	p.waiting = max(0, p.waiting-int64(s.Panes))
}

// sample adds a step to the history.
func (l *streamLog) sample(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, s := l.recent[len(l.recent)-1], sampled{now, l.counts.Folded, l.rejected()}
	took := now.Sub(last.at).Seconds()
	if took <= 0 {
		return
	}
	l.flow.add(now.UnixMilli(), float64(s.folded-last.folded)/took, float64(s.rejected-last.rejected)/took, float64(l.lag()))
	l.recent = append(l.recent, s)
	for len(l.recent) > 2 && now.Sub(l.recent[1].at) >= rateWindow {
		l.recent = l.recent[1:]
	}
}

func (l *streamLog) rejected() (n int64) {
	for _, r := range l.counts.Rejects {
		n += r
	}
	return n
}

func (l *streamLog) lag() (n int64) {
	for _, p := range l.owned {
		n += max(0, p.high-p.next)
	}
	return n
}

func (l *streamLog) tally() (folded, rejected int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts.Folded, l.rejected()
}

func (l *streamLog) describe() *Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Stream{Topics: l.topics, Folded: l.counts.Folded, Rate: undefined, Lag: l.lag(), Rejected: l.rejected(), Reasons: []Count{}, Gaps: []Count{},
		Late: l.counts.Late, Early: l.counts.Early, Duplicate: l.counts.Duplicates, Clamped: l.counts.Clamped, Missing: l.counts.Missing,
		Features: l.features, Dimension: l.dimension, Bytes: l.bytes, Saved: utc(l.saved), Partitions: []Partition{}, History: []Flow{}}
	first, last := l.recent[0], l.recent[len(l.recent)-1]
	if took := last.at.Sub(first.at).Seconds(); took > 0 {
		s.Rate = Number(float64(last.folded-first.folded) / took)
	}
	for r, n := range l.counts.Rejects {
		if n > 0 {
			s.Reasons = append(s.Reasons, Count{decode.Reason(r).String(), n})
		}
	}
	s.Gaps = counts(l.gaps)
	for id, p := range l.owned {
		s.Durable += p.records
		s.Partitions = append(s.Partitions, Partition{id.Topic, id.Partition, p.next, p.durable, p.high, max(0, p.high-p.next), p.waiting, utc(p.saved)})
	}
	slices.SortFunc(s.Partitions, func(a, b Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	s.Partitions = s.Partitions[:min(len(s.Partitions), mostPartitions)]
	for _, e := range l.flow.entries {
		s.History = append(s.History, Flow{e.time, Number(e.values[0] / e.n), Number(e.values[1] / e.n), Number(e.values[2])})
	}
	return s
}

// counts lists what occurred, by name.
func counts[N int | int64](m map[string]N) []Count {
	list := []Count{}
	for name, n := range m {
		if n > 0 {
			list = append(list, Count{name, int64(n)})
		}
	}
	slices.SortFunc(list, func(a, b Count) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// utc is a time for JSON: whole milliseconds, and still zero if it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// clock is the time of day of Unix milliseconds.
func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("15:04:05") }
