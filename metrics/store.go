package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"phasor/snapshot"
)

// Store feeds the families of the snapshot store, whatever the role.
type Store struct {
	operations, compactions, conflicts *prometheus.CounterVec
	seconds                            *prometheus.HistogramVec
}

// NewStore registers the families of the snapshot store.
func NewStore(reg prometheus.Registerer) *Store {
	f := family{reg, "snapshot"}
	m := &Store{
		operations:  f.counter("bucket_operations_total", "Object store operations.", "operation", "result"),
		compactions: f.counter("compactions_total", "Pane compactions.", "result"),
		conflicts:   f.counter("pane_conflicts_total", "Panes of one name with different bytes; the first stays."),
		seconds:     f.histogram("bucket_operation_duration_seconds", "Their duration.", seconds, "operation"),
	}
	for _, op := range []string{"get", "put", "create", "list", "delete"} {
		for _, r := range []string{"ok", "not_exist", "exist", "canceled", "error"} {
			m.operations.WithLabelValues(op, r)
		}
		m.seconds.WithLabelValues(op)
	}
	for _, r := range []string{"ok", "error"} {
		m.compactions.WithLabelValues(r)
	}
	m.conflicts.WithLabelValues()
	return m
}

// Hooks returns the hooks of a snapshot store. Corrupt objects are the business of the role that met them.
func (m *Store) Hooks() snapshot.Hooks {
	return snapshot.Hooks{
		Conflict: func(string) { m.conflicts.WithLabelValues().Inc() },
		Compaction: func(err error) {
			result := "ok"
			if err != nil {
				result = "error"
			}
			m.compactions.WithLabelValues(result).Inc()
		},
		Operation: func(operation, result string, took time.Duration) {
			m.operations.WithLabelValues(operation, result).Inc()
			m.seconds.WithLabelValues(operation).Observe(took.Seconds())
		},
	}
}
