package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"phasor/sketcher/feature"
	"phasor/trainer"
)

// doubts adds warnings of values that are legal and rarely meant. The configuration has its defaults.
func (k *configChecker) doubts(c *Config, role string) {
	warn := func(key, format string, a ...any) { k.key(key, "warning", fmt.Sprintf(format, a...)) }
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && c.Listen != "" && !loopback(host) && c.Web.Config == "" {
		warn("listen", "listen is %s: page, metrics and API are open to every host that reaches this address", c.Listen)
	}
	for _, f := range []struct{ key, name string }{{"web.config", c.Web.Config}, {"integrity.key_file", c.Integrity.KeyFile}} {
		if err := readable(f.name); err != nil {
			warn(f.key, "%s cannot be read here: %v", f.key, err)
		}
	}
	if c.Integrity.AllowUnsigned {
		warn("integrity.allow_unsigned", "integrity.allow_unsigned: objects that nobody signed are believed; it is for the time until \"phasor sign --unsigned\" has run")
	}
	if dir := folder(c.Store); dir != "" && strings.HasPrefix(filepath.Clean(dir), os.TempDir()+string(filepath.Separator)) {
		warn("store", "store is below %s: it may be emptied when the machine starts", os.TempDir())
	}
	if d := c.Snapshot.Interval.D(); d < time.Second {
		warn("snapshot.interval", "snapshot.interval is %v: each partition that moved is written so often; 10s is usual", c.Snapshot.Interval)
	} else if d > 5*time.Minute {
		warn("snapshot.interval", "snapshot.interval is %v: after a crash so much is read again, and the trainer learns of nothing sooner", c.Snapshot.Interval)
	}
	if role == "run" || role == "sketcher" {
		k.doubtsOfKafka(c, warn)
	}
	if role == "serve" && len(c.Sketches) > 1 {
		warn("sketches", "the file has %d sketches: serve answers for one, which --name must say", len(c.Sketches))
	}
	for i := range c.Sketches {
		at := fmt.Sprintf("sketches[%d].", i)
		k.doubtsOfSketch(&c.Sketches[i], role, func(key, format string, a ...any) { warn(at+key, format, a...) })
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (k *configChecker) doubtsOfKafka(c *Config, warn func(key, format string, a ...any)) {
	if t := c.Kafka.TLS; t != nil {
		if t.InsecureSkipVerify {
			warn("kafka.tls.insecure_skip_verify", "kafka.tls.insecure_skip_verify: whoever sits on the network can read and change everything")
		}
		for _, f := range []struct{ key, name string }{{"ca", t.CA}, {"cert", t.Cert}, {"key", t.Key}} {
			if err := readable(f.name); err != nil {
				warn("kafka.tls."+f.key, "kafka.tls.%s cannot be read here: %v", f.key, err)
			}
		}
	}
	if s := c.Kafka.SASL; s != nil {
		if c.Kafka.TLS == nil && strings.EqualFold(s.Mechanism, "plain") {
			warn("kafka.sasl.mechanism", "kafka.sasl.mechanism is plain without tls: the password goes over the network as it is")
		}
		if err := readable(s.PasswordFile); err != nil {
			warn("kafka.sasl.password_file", "kafka.sasl.password_file cannot be read here: %v", err)
		}
	}
	if len(c.Kafka.Brokers) > 0 && c.Kafka.Session < 6*time.Second {
		warn("kafka.session", "kafka.session is %v: brokers refuse less than group.min.session.timeout.ms, 6s unless set", c.Kafka.Session)
	}
	if c.Kafka.Isolation == "read_uncommitted" {
		warn("kafka.isolation", "kafka.isolation is read_uncommitted: records of aborted transactions are folded")
	}
}

func readable(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return reason(err)
	}
	return f.Close()
}

// defaultReference is meant for panes of any length.
const defaultReference = Duration(7 * 24 * time.Hour)

func (k *configChecker) doubtsOfSketch(s *SketchConfig, role string, warn func(key, format string, a ...any)) {
	panes := s.Panes.Length.D()
	if role != "serve" {
		if n := int64(s.Drift.Reference.D() / panes); s.Drift.Against == "" && n > trainer.MaxReference && s.Drift.Reference != defaultReference {
			warn("drift.reference", "drift.reference is %v, %d panes of %v: the newest %d are kept as reference; lengthen the panes if a season must be in it", s.Drift.Reference, n, s.Panes.Length, trainer.MaxReference)
		} else if s.Drift.Against == "" && n < 200 {
			warn("drift.reference", "drift.reference is %v, %d panes of %v: thresholds learned from fewer than 200 panes are wide; lengthen it, or shorten the panes", s.Drift.Reference, n, s.Panes.Length)
		}
		if s.Drift.FalseAlarms.D() < 10*panes {
			warn("drift.false_alarms", "drift.false_alarms is %v with panes of %v: an alarm will nearly always be there", s.Drift.FalseAlarms, s.Panes.Length)
		}
		if s.Fit.Every < s.Fit.Budget {
			warn("fit.every", "fit.every is %v and fit.budget %v: the trainer would fit without a pause", s.Fit.Every, s.Fit.Budget)
		}
		if h := s.Fit.Horizon.D(); h > 0 && h < 2*panes {
			warn("fit.horizon", "fit.horizon is %v with panes of %v: a fit would see hardly a pane", s.Fit.Horizon, s.Panes.Length)
		}
		if h := s.Fit.HalfLife.D(); h > 0 && h < 2*panes/trainer.HalfLives {
			warn("fit.half_life", "fit.half_life is %v with panes of %v: a pane counts for %d half-lives, so a fit would see hardly one", s.Fit.HalfLife, s.Panes.Length, trainer.HalfLives)
		}
	}
	if role != "run" && role != "sketcher" {
		return
	}
	if panes < time.Second {
		warn("panes.length", "panes.length is %v: every pane of every partition is an object in the store", s.Panes.Length)
	} else if panes > time.Hour {
		warn("panes.length", "panes.length is %v: drift is told pane by pane, so no alarm comes sooner", s.Panes.Length)
	}
	if n := s.Calibrate.Pilot; n < 1000 {
		warn("calibrate.pilot", "calibrate.pilot is %d: scales and edges from fewer than 1000 records are rough, and later records will leave the range", n)
	}
	d := len(s.Vector())
	if m := s.Calibrate.Features; m > 0 && m < max(10*d, 64) {
		warn("calibrate.features", "calibrate.features is %d for %d channels: a generator fitted to so few frequencies is vague; the default is %d", m, d, feature.DefaultFeatures(d))
	}
	seen := map[string]string{}
	for j, ch := range s.Channels {
		path := ch.Path
		if path == "" {
			path = ch.Name
		}
		if first, ok := seen[path]; ok && s.Array == "" && !strings.HasPrefix(s.Format, "float") {
			warn(fmt.Sprintf("channels[%d]", j), "channels %q and %q have the same path %q", first, ch.Name, path)
		}
		seen[path] = ch.Name
	}
	if len(s.Partitions) > 0 {
		warn("partitions", "partitions are fixed: those that are added to the topic later are read only if a topic's list is empty")
	}
}
