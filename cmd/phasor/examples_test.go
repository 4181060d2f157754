package main

import (
	"path/filepath"
	"testing"
)

// Every example configuration is accepted as it stands.
func TestExampleConfigurations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "deploy", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		c, err := loadConfig(file)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		for _, s := range c.Sketches {
			t.Logf("%s: %q of %v", filepath.Base(file), s.Names(), s.Topics)
		}
	}
}
