package main

import (
	"fmt"
	"slices"
)

// outputs are the topics that a sketch writes to, by the name of their key.
func (s *SketchConfig) outputs() map[string]string {
	m := map[string]string{}
	if s.DeadLetters != "" {
		m["dead_letters"] = s.DeadLetters
	}
	if s.Score.Topic != "" {
		m["score.topic"] = s.Score.Topic
	}
	return m
}

// validateOutputs checks what a sketch does with records beside folding them.
func (s *SketchConfig) validateOutputs() error {
	c := s.Score
	switch {
	case c.Quantile == 0 && (c.Topic != "" || c.Share != 0):
		return fmt.Errorf("score has no quantile: give score.quantile, as 0.999 for one record in a thousand")
	case c.Quantile == 0:
		return nil
	case !(c.Quantile > 0 && c.Quantile < 1):
		return fmt.Errorf("score.quantile is %v: it must be between 0 and 1, as 0.999 for one record in a thousand", c.Quantile)
	case !(c.Share > 0 && c.Share <= 1):
		return fmt.Errorf("score.share is %v: it must be above 0 and at most 1", c.Share)
	}
	return nil
}

// checkOutputs refuses topics that are read and written: their records would go round for ever.
func (c *Config) checkOutputs() error {
	var read []string
	for _, s := range c.Sketches {
		read = append(read, s.Topics...)
	}
	for i := range c.Sketches {
		s := &c.Sketches[i]
		for key, topic := range s.outputs() {
			if slices.Contains(read, topic) {
				return fmt.Errorf("sketch %q: %s is the topic %q, which a sketch reads: its records would go round for ever; name another", s.Name, key, topic)
			}
		}
	}
	return nil
}
