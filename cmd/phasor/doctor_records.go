package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"phasor/sketcher"
	"phasor/snapshot"
	"phasor/stream"
	"phasor/stream/decode"
)

// sampled is what the newest records of a sketch's partitions are like.
type sampled struct {
	mu         sync.Mutex
	names      []string
	records    int64
	vectors    int64
	rejects    map[decode.Reason]int64
	first      string // The first rejected record, and why.
	lo, hi     []float64
	clamped    int64 // Values out of the epoch's range, or in its outer bins.
	checked    int64 // Vectors that were compared with it.
	oldest     int64 // Event times in Unix milliseconds.
	newest     int64
	timeless   int64
	future     int64 // Event times ahead of this host's clock by more than a minute.
	ahead      time.Duration
	late       time.Duration // By this host's clock, least age of a record that came while we looked, as its broker stamped it.
	partitions int           // That were read to their ends.
	left       int           // That are done with, read or not.
	busiest    float64       // Vectors a second of event time, of the busiest partition.
	positions  []string
	failed     []error
}

// checkRecords reads the newest records as a sketcher would and says what it would make of them.
func (d *doctor) checkRecords(ctx context.Context, s *SketchConfig) {
	parts, want := map[string][]int{}, 0
	for _, t := range s.Topics {
		parts[t] = s.Partitions[t]
		if want += len(parts[t]); len(parts[t]) == 0 {
			want += d.partitions[t]
		}
	}
	o := &sampled{names: s.Names(), rejects: map[decode.Reason]int64{}, oldest: math.MaxInt64, newest: math.MinInt64, late: math.MaxInt64}
	for range o.names {
		o.lo, o.hi = append(o.lo, math.Inf(1)), append(o.hi, math.Inf(-1))
	}
	appended := d.appendTimes(ctx, s.Topics)
	reading, stop := context.WithTimeout(ctx, 2*d.c.Wait.D()+d.cfg.Kafka.Fetch.MaxWait)
	defer stop()
	err := d.reg.Static(parts).Run(reading, func(ctx context.Context, p stream.Partition) error {
		defer o.ended(want, stop)
		if err := d.sample(ctx, s, p, o, appended[p.ID().Topic]); err != nil && ctx.Err() == nil {
			o.mu.Lock()
			o.failed = append(o.failed, err)
			o.mu.Unlock()
		}
		return nil
	})
	if err != nil && reading.Err() == nil {
		o.failed = append(o.failed, err)
	}
	d.judgePositions(s, o)
	d.judgeRecords(s, o, want)
	if o.vectors > 0 {
		d.judgeTimes(s, o)
		d.judgeClock(s, o, appended)
	}
}

// ended counts a partition that is done with, and stops the reading after the last one.
func (o *sampled) ended(want int, stop func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left++; o.left >= want {
		stop()
	}
}

// appendTimes says which topics carry the brokers' own time stamps.
func (d *doctor) appendTimes(ctx context.Context, topics []string) map[string]bool {
	m := map[string]bool{}
	for _, t := range topics {
		v, err := d.reg.Setting(ctx, t, "message.timestamp.type")
		m[t] = err == nil && v == "LogAppendTime" // Without the right to know, the producers' are assumed.
	}
	return m
}

// sample reads the end of one partition, and then waits for a fresh record.
func (d *doctor) sample(ctx context.Context, s *SketchConfig, p stream.Partition, o *sampled, appended bool) error {
	start, end, err := p.Range(ctx)
	if err != nil {
		return err
	}
	if err := d.position(ctx, s, p, o); err != nil {
		return err
	}
	dec, err := decode.New(s.Config)
	if err != nil {
		return err
	}
	var fold *sketcher.Fold
	if e := d.epochs[s.Name]; e != nil {
		cfg := foldConfig(*s, d.cfg.Kafka.Isolation)
		cfg.Map = e.Map()
		fold, _ = sketcher.NewFold(cfg, p.ID(), 0) // If the map does not fit, checkEpochs has said so.
	}
	one := newSampleOf(o, dec, s.Missing == "last")
	from := max(start, end-int64(d.c.Records))
	r := p.Read(from)
	defer r.Close()
	for next := from; next < end; {
		b, err := r.Read(ctx)
		if err != nil {
			return err
		}
		next = b.Next
		one.batch(b, fold)
	}
	one.finish()
	if !appended {
		return nil
	}
	fresh, cancel := context.WithTimeout(ctx, d.c.Wait.D())
	defer cancel()
	for {
		b, err := r.Read(fresh)
		if err != nil {
			return nil // None came.
		}
		if len(b.Records) == 0 {
			continue
		}
		age := time.Since(time.UnixMilli(b.Records[len(b.Records)-1].Time))
		o.mu.Lock()
		o.late = min(o.late, age)
		o.mu.Unlock()
		return nil
	}
}

// position compares the state of a partition with its log, as a sketcher would when it starts.
func (d *doctor) position(ctx context.Context, s *SketchConfig, p stream.Partition, o *sampled) error {
	var st *snapshot.State
	for _, other := range d.states[s.Name] {
		if other.Topic == p.ID().Topic && other.Partition == p.ID().Partition && (st == nil || other.TopicID == p.ID().TopicID) {
			st = other
		}
	}
	if st == nil {
		return nil
	}
	err := stream.Check(ctx, p, stream.Position{TopicID: st.TopicID, Next: st.Next, Last: st.LastOffset, LastSum: st.LastHash})
	var pos *stream.PositionError
	if !errors.As(err, &pos) {
		return err
	}
	policy, key := s.OnRecreated, "on_recreated"
	switch {
	case errors.Is(err, stream.ErrTruncated):
		policy, key = s.OnTruncated, "on_truncated"
	case errors.Is(err, stream.ErrRetention):
		policy, key = s.OnRetention, "on_retention"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.positions = append(o.positions, fmt.Sprintf("%v (%s is %s)", err, key, policy))
	return nil
}

// sampleOf is the part of one partition.
type sampleOf struct {
	o              *sampled
	dec            decode.Decoder
	x              []float64
	warming        bool // Values that are repeated have not been seen yet.
	oldest, newest int64
	vectors        int64
}

func newSampleOf(o *sampled, dec decode.Decoder, hold bool) *sampleOf {
	return &sampleOf{o: o, dec: dec, x: make([]float64, len(o.names)), warming: hold, oldest: math.MaxInt64, newest: math.MinInt64}
}

func (p *sampleOf) batch(b stream.Batch, fold *sketcher.Fold) {
	o := p.o
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range b.Records {
		rec := &b.Records[i]
		o.records++
		r := p.dec.Decode(p.x, rec)
		if p.warming && r.Reason == decode.Schema {
			continue
		}
		if r.Reason != decode.Accepted {
			if o.rejects[r.Reason]++; o.first == "" && r.Reason != decode.Filtered && r.Reason != decode.Tombstone {
				o.first = fmt.Sprintf("offset %d is rejected for %s", rec.Offset, r.Reason)
				if r.Channel >= 0 && r.Channel < len(o.names) {
					o.first += fmt.Sprintf(" at channel %q", o.names[r.Channel])
				}
			}
		}
		if r.Emitted {
			p.warming = false
			p.vector(r.Time)
		}
	}
	if fold != nil {
		c := fold.Batch(b)
		o.checked += c.Folded
		o.clamped += max(c.Clamped, c.Outer)
	}
}

func (p *sampleOf) vector(ms int64) {
	o := p.o
	o.vectors++
	p.vectors++
	for k, v := range p.x {
		o.lo[k], o.hi[k] = min(o.lo[k], v), max(o.hi[k], v)
	}
	if ms < 0 {
		o.timeless++
		return
	}
	p.oldest, p.newest = min(p.oldest, ms), max(p.newest, ms)
	if ahead := time.Until(time.UnixMilli(ms)); ahead > time.Minute {
		o.future++
		o.ahead = max(o.ahead, ahead)
	}
}

func (p *sampleOf) finish() {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	p.o.partitions++
	p.o.oldest, p.o.newest = min(p.o.oldest, p.oldest), max(p.o.newest, p.newest)
	if span := float64(p.newest-p.oldest) / 1000; p.vectors > 1 && span > 0 {
		p.o.busiest = max(p.o.busiest, float64(p.vectors-1)/span)
	}
}

func (d *doctor) judgePositions(s *SketchConfig, o *sampled) {
	switch {
	case len(d.states[s.Name]) == 0:
		return
	case len(o.positions) == 0:
		d.ok("position", s.Name, "the states of %d partitions fit their logs", len(d.states[s.Name]))
		return
	}
	slices.Sort(o.positions)
	text, advice := strings.Join(o.positions, "; "), "decide whether the gap may go on record (on_truncated, on_retention, on_recreated: continue), or begin a new epoch"
	if strings.Contains(text, " is fail)") {
		d.fail("position", s.Name, advice, "%s", text)
		return
	}
	d.warn("position", s.Name, "", "%s: the gap will go on record", text)
}

func (d *doctor) judgeRecords(s *SketchConfig, o *sampled, want int) {
	if len(o.failed) > 0 {
		d.fail("records", s.Name, "", "%v", errors.Join(o.failed...))
		return
	}
	if o.partitions < want {
		d.warn("records", s.Name, "give --wait more time", "only %d of %d partitions were read in time", o.partitions, want)
	}
	var bad int64
	var reasons []string
	for _, r := range slices.Sorted(maps.Keys(o.rejects)) {
		reasons = append(reasons, fmt.Sprintf("%s %.3g %%", r, 100*float64(o.rejects[r])/float64(o.records)))
		if r != decode.Filtered && r != decode.Tombstone {
			bad += o.rejects[r]
		}
	}
	text := fmt.Sprintf("%d read", o.records)
	if len(reasons) > 0 {
		text += ", rejected: " + strings.Join(reasons, ", ")
	}
	if o.first != "" {
		text += "; " + o.first
	}
	k := checkup{Check: "records", Subject: s.Name, Status: "ok", Data: map[string]any{"read": o.records, "vectors": o.vectors, "rejected": rejectNames(o.rejects)}}
	switch {
	case o.records == 0:
		k.Status, k.Detail, k.Do = "warn", "the topics are empty", "nothing can be said of the format; start the producers"
	case o.vectors == 0 && bad == 0:
		k.Status, k.Detail, k.Do = "warn", text+": none gives a vector", "are where and format meant so?"
	case o.vectors == 0:
		k.Status, k.Detail, k.Do = "FAIL", text, "correct format, channels and their paths, or time"
	case 100*bad > o.records:
		k.Status, k.Detail, k.Do = "warn", text, "more than 1 % are lost: correct the channels, or set missing: last, or choose records with where"
	default:
		k.Detail = text
	}
	d.add(k)
	if o.vectors > 0 {
		d.judgeChannels(s, o)
	}
}

func rejectNames(rejects map[decode.Reason]int64) map[string]int64 {
	m := map[string]int64{}
	for r, n := range rejects {
		m[r.String()] = n
	}
	return m
}

// judgeChannels says what the channels hold, which ones never move, and whether they have left the epoch's range.
func (d *doctor) judgeChannels(s *SketchConfig, o *sampled) {
	var ranges, still []string
	data := map[string]any{}
	for k, name := range o.names {
		if len(ranges) < 12 {
			ranges = append(ranges, fmt.Sprintf("%s %.4g to %.4g", name, o.lo[k], o.hi[k]))
		}
		data[name] = []any{number(o.lo[k]), number(o.hi[k])}
		if o.lo[k] == o.hi[k] && o.vectors > 20 {
			still = append(still, name)
		}
	}
	if n := len(o.names) - len(ranges); n > 0 {
		ranges = append(ranges, fmt.Sprintf("%d more", n))
	}
	k := checkup{Check: "channels", Subject: s.Name, Status: "ok", Detail: strings.Join(ranges, ", "), Data: data}
	switch {
	case o.checked > 0 && 100*o.clamped > o.checked:
		k.Status, k.Do = "warn", "begin a new epoch if the range has changed for good: phasor calibrate --new-epoch"
		k.Detail += fmt.Sprintf("; %.3g values in 100 records are outside the range of the epoch", 100*float64(o.clamped)/float64(o.checked))
	case len(still) > 0 && s.Format != "log":
		k.Status, k.Do = "warn", "a channel that never changes tells nothing: a dead sensor, or another path?"
		k.Detail += fmt.Sprintf("; %s did not move in %d records", strings.Join(still, ", "), o.vectors)
	}
	d.add(k)
}

// judgeTimes compares event times with this host's clock.
func (d *doctor) judgeTimes(s *SketchConfig, o *sampled) {
	source := s.EventTime()
	if o.timeless == o.vectors {
		d.warn("time", s.Name, "name the field of the time, or let the producer set timestamps", "records have no event time (%s): no panes, no history and no drift", source)
		return
	}
	oldest, newest := time.UnixMilli(o.oldest).UTC(), time.UnixMilli(o.newest).UTC()
	lag := time.Since(newest).Round(time.Second)
	text := fmt.Sprintf("%s: newest %s, %v ago", source, newest.Format(time.RFC3339), lag)
	const unit = "is time.unit (s, ms, us, ns) right?"
	switch {
	case newest.Year() < 1990:
		d.fail("time", s.Name, unit, "%s: newest %s", source, newest.Format(time.RFC3339))
	case oldest.Year() > time.Now().Year()+1:
		d.fail("time", s.Name, unit, "%s: oldest %s", source, oldest.Format(time.RFC3339))
	case o.future > 0:
		d.warn("time", s.Name, "correct the producers' clocks or time.zone: panes ahead of time are dissolved once 16 are open", "%s: %d of %d records are ahead of this host's clock, by up to %v", source, o.future, o.vectors, o.ahead.Round(time.Second))
	case lag > 24*time.Hour:
		d.warn("time", s.Name, "is the producer running, and is this a replay?", "%s", text)
	case o.busiest > 0 && o.busiest*s.Panes.Length.D().Seconds() < 32:
		d.warn("time", s.Name, "lengthen panes.length: drift wants 32 records in a pane of a partition", "%s; a pane of %v holds about %.1f records of the busiest partition", text, s.Panes.Length, o.busiest*s.Panes.Length.D().Seconds())
	default:
		d.ok("time", s.Name, "%s", text)
	}
}

// judgeClock compares this host's clock with the brokers' by a record that came in while we looked.
func (d *doctor) judgeClock(s *SketchConfig, o *sampled, appended map[string]bool) {
	stamps := slices.ContainsFunc(s.Topics, func(t string) bool { return appended[t] })
	switch {
	case !stamps:
		d.ok("clock", s.Name, "not compared: the topics carry the producers' times")
	case o.late == math.MaxInt64:
		d.ok("clock", s.Name, "not compared: no record came in within %v", d.c.Wait)
	case o.late < -time.Second:
		d.warn("clock", s.Name, "synchronise the clocks (NTP)", "the brokers' clock is %v ahead of this host's", (-o.late).Round(time.Millisecond))
	case o.late > 10*time.Second:
		d.warn("clock", s.Name, "synchronise the clocks (NTP), or look for what delays fetches", "the brokers' clock is %v behind this host's", o.late.Round(time.Millisecond))
	default:
		d.ok("clock", s.Name, "a record came %v after the broker stamped it", o.late.Round(time.Millisecond))
	}
}
