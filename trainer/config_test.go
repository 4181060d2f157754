package trainer

import (
	"testing"
	"time"

	"phasor/snapshot"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	r := newRig(t, 0, 21)
	for name, change := range map[string]func(*Config){
		"no store":         func(c *Config) { c.Store = nil },
		"negative poll":    func(c *Config) { c.Poll = -1 },
		"negative budget":  func(c *Config) { c.Budget = -1 },
		"negative first":   func(c *Config) { c.First = -1 },
		"one record":       func(c *Config) { c.Records = 1 },
		"negative settle":  func(c *Config) { c.Settle = -1 },
		"no states kept":   func(c *Config) { c.Retention = snapshot.DefaultRetention(); c.Retention.States = 0 },
		"no latents":       func(c *Config) { c.Fit.Latent = -1 },
		"negative horizon": func(c *Config) { c.Horizon.Last = -time.Hour },
	} {
		cfg, _ := r.config(r.bucket)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{Store: r.store(r.bucket)}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
