package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfig: no file makes reading the configuration panic, and what is accepted has what a sketch needs.
func FuzzConfig(f *testing.F) {
	_, text, _ := strings.Cut(configHelp, "error.\n")
	for _, s := range []string{text, "", "store: x\nsketches:\n  - {topics: [t], channels: [{name: a}]}\n", "kafka: {brokers: [h:1], session: 6s}\n", "a: &a [*a]\n", "sketches: [{topics: [../../x], channels: [{name: a}]}]",
		"snapshot: {interval: 1e9s}", "sketches:\n- panes: {length: -1s}", "? [a]: b", "store: !!binary x", "sketches:\n ! }"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "phasor.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4<<10 {
			return
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		checkConfigFile(path, "run")
		c, err := loadConfig(path)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		for _, s := range c.Sketches {
			if s.Name == "" || len(s.Topics) == 0 || len(s.Channels) == 0 || s.Panes.Length <= 0 || s.Panes.Lateness < 0 {
				t.Errorf("accepted: %+v", s)
			}
		}
	})
}
