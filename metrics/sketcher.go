package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"phasor/sketcher"
	"phasor/stream"
	"phasor/stream/decode"
)

// Sketcher feeds the families of the sketcher's role.
type Sketcher struct {
	consumed, bytes, folded, rejected, duplicate, gaps *prometheus.CounterVec
	clamped, early, late, outer, missing, panes        *prometheus.CounterVec
	letters, scored, odd, oddSent                      *prometheus.CounterVec
	lag, durable, assigned, records, features          *prometheus.GaugeVec
	dimension, size, sketches, paneStart               *prometheus.GaugeVec
	snapshotSize, snapshotTime                         *prometheus.GaugeVec
	rebalances, snapshots, restores                    *prometheus.CounterVec
	foldSeconds, foldLateness, snapshotSeconds         *prometheus.HistogramVec

	mu    sync.Mutex
	owned map[string]map[stream.PartitionID]*partition // By sketch.
}

// partition is what the gauges over owned partitions need to remember. Two sketches may read one partition of a topic,
// whose series have no label for the sketch.
type partition struct {
	records, open int64
	lag, durable  int64 // -1 before they are known.
}

// NewSketcher registers the families of the sketcher's role.
func NewSketcher(reg prometheus.Registerer) *Sketcher {
	f := family{reg, "sketcher"}
	f.build()
	m := &Sketcher{
		consumed:  f.counter("records_consumed_total", "Records delivered by the Kafka client, before decoding or deduplication.", "topic"),
		bytes:     f.counter("bytes_consumed_total", "Key and value bytes of consumed records.", "topic"),
		folded:    f.counter("records_folded_total", "Records folded into a sketch since process start (not durable; see phasor_sketcher_sketch_records).", "topic", "sketch"),
		rejected:  f.counter("records_rejected_total", "Records not folded, by reason: decode, schema, dimension, nonfinite, oversize, tombstone, filtered.", "topic", "reason"),
		duplicate: f.counter("records_duplicate_total", "Records dropped because their offset is below the sketch's next offset.", "topic"),
		gaps:      f.counter("offset_gaps_total", "Unexpected offset discontinuities by reason: retention, truncation, recreated, replaced.", "topic", "reason"),
		clamped:   f.counter("values_clamped_total", "Channel values outside the calibrated range, folded after clamping.", "topic"),
		early:     f.counter("records_early_total", "Records of panes dissolved because too many were open: folded into the total only.", "topic"),
		late:      f.counter("records_late_total", "Records older than their sealed pane: folded into the total only.", "topic"),
		outer:     f.counter("values_outer_total", "Channel values in the first or last histogram bin.", "topic"),
		missing:   f.counter("values_missing_total", "Missing channel values replaced by the last one.", "topic"),
		panes:     f.counter("panes_sealed_total", "Panes sealed and written.", "topic"),
		letters:   f.counter("dead_letters_total", "Rejected records sent to the dead-letter topic.", "topic", "result"),
		scored:    f.counter("records_scored_total", "Folded records chosen to be scored, by result: scored, skipped because they came too fast.", "topic", "result"),
		odd:       f.counter("records_odd_total", "Records scored above the configured quantile.", "topic"),
		oddSent:   f.counter("odd_records_sent_total", "Odd records sent to their topic.", "topic", "result"),

		lag:          f.gauge("partition_lag_records", "High watermark minus next offset to fold.", "topic", "partition"),
		durable:      f.gauge("partition_durable_offset", "Next offset recorded in the last durable snapshot.", "topic", "partition"),
		assigned:     f.gauge("assigned_partitions", "Partitions currently owned.", "topic"),
		records:      f.gauge("sketch_records", "Records in the owned partitions' total (its exact count).", "sketch"),
		features:     f.gauge("sketch_features", "Number of random Fourier features m.", "sketch"),
		dimension:    f.gauge("sketch_dimension", "Input dimension d.", "sketch"),
		size:         f.gauge("sketch_bytes", "Resident bytes of one sketch (constant by design).", "sketch"),
		sketches:     f.gauge("sketches", "Live sketches in this process."),
		paneStart:    f.gauge("pane_start_timestamp_seconds", "Start of the newest open pane.", "sketch"),
		snapshotSize: f.gauge("snapshot_size_bytes", "Encoded size of the last snapshot.", "sketch"),
		snapshotTime: f.gauge("snapshot_last_success_timestamp_seconds", "Unix time of the last durable snapshot.", "sketch"),

		rebalances: f.counter("rebalances_total", "Group events: assigned, revoked, lost.", "event"),
		snapshots:  f.counter("snapshots_total", "Snapshot attempts by result: ok, error, skipped.", "sketch", "result"),
		restores:   f.counter("restore_total", "Restores at start or assignment: ok, empty, corrupt_fallback, failed.", "result"),

		foldSeconds:     f.histogram("fold_duration_seconds", "Time to fold one fetched batch into its sketches.", seconds, "topic"),
		foldLateness:    f.histogram("fold_lateness_seconds", "Wall clock at fold minus record timestamp.", lateness, "topic"),
		snapshotSeconds: f.histogram("snapshot_duration_seconds", "Encode, write, fsync and publish one snapshot.", seconds, "sketch"),
		owned:           map[string]map[stream.PartitionID]*partition{},
	}
	for _, e := range []string{"assigned", "revoked", "lost"} {
		m.rebalances.WithLabelValues(e)
	}
	for _, r := range []string{"ok", "empty", "corrupt_fallback", "failed"} {
		m.restores.WithLabelValues(r)
	}
	m.sketches.WithLabelValues().Set(0)
	return m
}

// Hooks returns the hooks of one sketch, with every enumerated series of its topics at zero.
func (m *Sketcher) Hooks(sketch string, topics []string) sketcher.Hooks {
	for _, t := range topics {
		for _, v := range []*prometheus.CounterVec{m.consumed, m.bytes, m.duplicate, m.clamped, m.early, m.late, m.outer, m.missing, m.panes, m.odd} {
			v.WithLabelValues(t)
		}
		m.folded.WithLabelValues(t, sketch)
		for _, r := range decode.Reasons() {
			m.rejected.WithLabelValues(t, r.String())
		}
		for _, r := range []string{"retention", "truncation", "recreated", "replaced"} {
			m.gaps.WithLabelValues(t, r)
		}
		for _, r := range []string{"ok", "error", "dropped"} {
			m.letters.WithLabelValues(t, r)
			m.oddSent.WithLabelValues(t, r)
		}
		for _, r := range []string{"scored", "skipped"} {
			m.scored.WithLabelValues(t, r)
		}
		m.assigned.WithLabelValues(t)
		m.foldSeconds.WithLabelValues(t)
		m.foldLateness.WithLabelValues(t)
	}
	for _, r := range []string{"ok", "error", "skipped"} {
		m.snapshots.WithLabelValues(sketch, r)
	}
	m.snapshotSeconds.WithLabelValues(sketch)
	m.records.WithLabelValues(sketch)
	m.mu.Lock()
	m.owned[sketch] = map[stream.PartitionID]*partition{}
	m.sketches.WithLabelValues().Set(float64(len(m.owned)))
	m.mu.Unlock()
	return sketcher.Hooks{
		Folded:   func(id stream.PartitionID, c sketcher.Counts, took time.Duration) { m.onFolded(sketch, id, c, took) },
		Position: func(id stream.PartitionID, next, high int64) { m.onPosition(sketch, id, next, high) },
		Assigned: func(id stream.PartitionID) { m.onAssigned(sketch, id) },
		Released: func(id stream.PartitionID, lost bool) { m.onReleased(sketch, id, lost) },
		Restored: func(_ stream.PartitionID, result string) { m.restores.WithLabelValues(result).Inc() },
		Gap:      func(id stream.PartitionID, reason string) { m.gaps.WithLabelValues(id.Topic, reason).Inc() },
		Saved:    func(id stream.PartitionID, s sketcher.Save) { m.onSaved(sketch, id, s) },
		Sketch: func(features, dimension int) {
			m.features.WithLabelValues(sketch).Set(float64(features))
			m.dimension.WithLabelValues(sketch).Set(float64(dimension))
		},
	}
}

func (m *Sketcher) onFolded(sketch string, id stream.PartitionID, c sketcher.Counts, took time.Duration) {
	t := id.Topic
	for _, a := range []struct {
		v *prometheus.CounterVec
		n int64
	}{{m.consumed, c.Records}, {m.bytes, c.Bytes}, {m.duplicate, c.Duplicates}, {m.clamped, c.Clamped}, {m.early, c.Early},
		{m.late, c.Late}, {m.outer, c.Outer}, {m.missing, c.Missing}} {
		if a.n > 0 {
			a.v.WithLabelValues(t).Add(float64(a.n))
		}
	}
	m.folded.WithLabelValues(t, sketch).Add(float64(c.Folded))
	for r, n := range c.Rejects {
		if n > 0 {
			m.rejected.WithLabelValues(t, decode.Reason(r).String()).Add(float64(n))
		}
	}
	m.foldSeconds.WithLabelValues(t).Observe(took.Seconds())
	if c.FirstTime != stream.NoTime {
		m.foldLateness.WithLabelValues(t).Observe(max(0, time.Since(time.UnixMilli(c.FirstTime)).Seconds()))
	}
}

func (m *Sketcher) onPosition(sketch string, id stream.PartitionID, next, highWatermark int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.owned[sketch][id]
	if p == nil { // The last word of a partition that has been given up.
		return
	}
	p.lag = max(0, highWatermark-next)
	m.position(id)
}

// position sets the series of a partition: the largest lag and the least durable offset of the sketches that own it. They
// go with the last one. The caller holds mu.
func (m *Sketcher) position(id stream.PartitionID) {
	var lag, durable int64 = -1, -1
	for _, parts := range m.owned {
		p := parts[id]
		if p == nil {
			continue
		}
		lag = max(lag, p.lag)
		if p.durable >= 0 && (durable < 0 || p.durable < durable) {
			durable = p.durable
		}
	}
	for v, n := range map[*prometheus.GaugeVec]int64{m.lag: lag, m.durable: durable} {
		if n < 0 {
			v.DeleteLabelValues(id.Topic, strconv.Itoa(id.Partition))
			continue
		}
		v.WithLabelValues(id.Topic, strconv.Itoa(id.Partition)).Set(float64(n))
	}
}

func (m *Sketcher) onAssigned(sketch string, id stream.PartitionID) {
	m.rebalances.WithLabelValues("assigned").Inc()
	m.assigned.WithLabelValues(id.Topic).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owned[sketch][id] = &partition{open: -1, lag: -1, durable: -1}
}

func (m *Sketcher) onReleased(sketch string, id stream.PartitionID, lost bool) {
	event := "revoked"
	if lost {
		event = "lost"
	}
	m.rebalances.WithLabelValues(event).Inc()
	m.assigned.WithLabelValues(id.Topic).Dec()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owned[sketch], id)
	m.position(id)
	m.sum(sketch)
}

func (m *Sketcher) onSaved(sketch string, id stream.PartitionID, s sketcher.Save) {
	m.snapshots.WithLabelValues(sketch, s.Result).Inc()
	if s.Result == "error" {
		return
	}
	m.size.WithLabelValues(sketch).Set(float64(s.Resident))
	if s.Result != "ok" {
		return
	}
	m.snapshotSeconds.WithLabelValues(sketch).Observe(s.Took.Seconds())
	m.snapshotSize.WithLabelValues(sketch).Set(float64(s.Bytes))
	m.snapshotTime.WithLabelValues(sketch).SetToCurrentTime()
	m.panes.WithLabelValues(id.Topic).Add(float64(s.Panes))
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.owned[sketch][id]
	if p == nil { // The last word of a partition that has been given up.
		return
	}
	p.records, p.open, p.durable = s.Records, s.Open, s.Next
	m.position(id)
	m.sum(sketch)
}

// sum sets the gauges that add up the owned partitions. The caller holds mu.
func (m *Sketcher) sum(sketch string) {
	var records, open int64 = 0, -1
	for _, p := range m.owned[sketch] {
		records += p.records
		open = max(open, p.open)
	}
	m.records.WithLabelValues(sketch).Set(float64(records))
	if open < 0 {
		m.paneStart.DeleteLabelValues(sketch)
		return
	}
	m.paneStart.WithLabelValues(sketch).Set(float64(open) / 1000)
}
