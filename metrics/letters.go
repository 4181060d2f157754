package metrics

// Letter counts a rejected record of a topic that was to be sent to the dead-letter topic: ok, error or dropped.
func (m *Sketcher) Letter(topic, result string) { m.letters.WithLabelValues(topic, result).Inc() }

// Scored counts records of a topic that were chosen to be scored: scored or skipped.
func (m *Sketcher) Scored(topic, result string, n int) {
	m.scored.WithLabelValues(topic, result).Add(float64(n))
}

// Odd counts a record of a topic that was scored above the configured quantile.
func (m *Sketcher) Odd(topic string) { m.odd.WithLabelValues(topic).Inc() }

// OddSent counts an odd record of a topic that was to be sent to the topic of odd records: ok, error or dropped.
func (m *Sketcher) OddSent(topic, result string) { m.oddSent.WithLabelValues(topic, result).Inc() }
