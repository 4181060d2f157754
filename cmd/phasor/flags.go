package main

import (
	"fmt"
	"strings"

	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// storeFlags name the store.
type storeFlags struct {
	Config string `help:"YAML file with the whole configuration." type:"existingfile" placeholder:"FILE"`
	Store  string `help:"Where sketches and models are kept: a folder, or s3://bucket/prefix." placeholder:"URL"`
}

// kafkaFlags reach a cluster.
type kafkaFlags struct {
	Brokers       []string `name:"kafka.brokers" aliases:"brokers" help:"Addresses to start from, host:port." placeholder:"HOST:PORT,…"`
	Group         string   `name:"kafka.group" help:"Consumer group; each sketch reads as GROUP.SKETCH." placeholder:"phasor"`
	TLSCA         string   `name:"kafka.tls.ca" help:"PEM file of the authorities to trust; switches TLS on." placeholder:"FILE"`
	TLSCert       string   `name:"kafka.tls.cert" help:"PEM file of this client's certificate." placeholder:"FILE"`
	TLSKey        string   `name:"kafka.tls.key" help:"PEM file of its key." placeholder:"FILE"`
	SASLMechanism string   `name:"kafka.sasl.mechanism" help:"plain, scram-sha-256 or scram-sha-512." placeholder:"NAME"`
	SASLUser      string   `name:"kafka.sasl.user" help:"User." placeholder:"NAME"`
	SASLPassword  string   `name:"kafka.sasl.password_file" help:"File that holds the password; without it the environment variable PHASOR_KAFKA_PASSWORD does." placeholder:"FILE"`
}

// apply puts the flags over a configuration.
func (f *kafkaFlags) apply(c *kafka.Config) {
	if len(f.Brokers) > 0 {
		c.Brokers = f.Brokers
	}
	over(&c.Group, f.Group)
	if f.TLSCA+f.TLSCert+f.TLSKey != "" {
		if c.TLS == nil {
			c.TLS = &kafka.TLS{}
		}
		over(&c.TLS.CA, f.TLSCA)
		over(&c.TLS.Cert, f.TLSCert)
		over(&c.TLS.Key, f.TLSKey)
	}
	if f.SASLMechanism+f.SASLUser+f.SASLPassword != "" {
		if c.SASL == nil {
			c.SASL = &kafka.SASL{}
		}
		over(&c.SASL.Mechanism, f.SASLMechanism)
		over(&c.SASL.User, f.SASLUser)
		over(&c.SASL.PasswordFile, f.SASLPassword)
	}
}

// sketchFlags describe one sketch without a file, or change the one of a file.
type sketchFlags struct {
	Name        string    `help:"Name of the sketch; default: its topic." placeholder:"NAME"`
	Topics      []string  `name:"topics" aliases:"topic" help:"Topics to fold." placeholder:"TOPIC,…"`
	Format      string    `help:"How records are encoded: json, csv, float32, float64 or tags." placeholder:"json"`
	Channels    []string  `help:"Channels in order: NAME or NAME=PATH." placeholder:"NAME[=PATH],…"`
	TimeField   string    `name:"time.field" help:"Field of the event time; default: the record's timestamp." placeholder:"PATH"`
	TimeUnit    string    `name:"time.unit" help:"s, ms, us, ns or rfc3339." placeholder:"ms"`
	Missing     string    `help:"What a missing value does: reject or last." placeholder:"reject"`
	Features    int       `name:"calibrate.features" help:"Number of frequencies; default by the number of channels." placeholder:"M"`
	Pilot       int       `name:"calibrate.pilot" help:"Records to calibrate on." placeholder:"10000"`
	PilotWait   Duration  `name:"calibrate.timeout" help:"How long to wait for them before fewer will do." placeholder:"30s"`
	PaneLength  Duration  `name:"panes.length" help:"Length of a pane of event time." placeholder:"60s"`
	Lateness    Duration  `name:"panes.lateness" help:"How late a record may come." placeholder:"60s"`
	FitEvery    Duration  `name:"fit.every" help:"Time between two fits." placeholder:"10m"`
	FitBudget   Duration  `name:"fit.budget" help:"Wall time of one fit." placeholder:"30s"`
	FitHorizon  Duration  `name:"fit.horizon" help:"Event time that a fit sees; default: all since the last change." placeholder:"24h"`
	FalseAlarms RunLength `name:"drift.false_alarms" help:"Acceptable false alarms." placeholder:"\"1 per 30d\""`
}

func (f *sketchFlags) given() bool {
	return f.Name != "" || len(f.Topics)+len(f.Channels)+f.Features+f.Pilot > 0 || f.Format+f.TimeField+f.TimeUnit+f.Missing != "" ||
		f.PaneLength+f.Lateness+f.FitEvery+f.FitBudget+f.FitHorizon+f.PilotWait+Duration(f.FalseAlarms) != 0
}

// apply puts the flags over the only sketch of the configuration, or makes one of them.
func (f *sketchFlags) apply(c *Config) error {
	if !f.given() {
		return nil
	}
	if len(c.Sketches) > 1 {
		return usagef("the file configures %d sketches: flags such as --name, --topics or --panes.length need exactly one; change the file instead", len(c.Sketches))
	}
	if len(c.Sketches) == 0 {
		c.Sketches = []SketchConfig{{}}
	}
	s := &c.Sketches[0]
	over(&s.Name, f.Name)
	if len(f.Topics) > 0 {
		s.Topics = f.Topics
	}
	over(&s.Format, f.Format)
	if len(f.Channels) > 0 {
		s.Channels = parseChannels(f.Channels)
	}
	over(&s.Time.Field, f.TimeField)
	over(&s.Time.Unit, f.TimeUnit)
	over(&s.Missing, f.Missing)
	over(&s.Calibrate.Features, f.Features)
	over(&s.Calibrate.Pilot, f.Pilot)
	over(&s.Calibrate.Timeout, f.PilotWait)
	over(&s.Panes.Length, f.PaneLength)
	over(&s.Panes.Lateness, f.Lateness)
	over(&s.Fit.Every, f.FitEvery)
	over(&s.Fit.Budget, f.FitBudget)
	over(&s.Fit.Horizon, f.FitHorizon)
	over(&s.Drift.FalseAlarms, f.FalseAlarms)
	return nil
}

// over replaces *v by what was given, if anything was.
func over[T comparable](v *T, given T) {
	var zero T
	if given != zero {
		*v = given
	}
}

func parseChannels(list []string) []decode.Channel {
	channels := make([]decode.Channel, len(list))
	for i, c := range list {
		name, path, _ := strings.Cut(c, "=")
		channels[i] = decode.Channel{Name: strings.TrimSpace(name), Path: strings.TrimSpace(path)}
	}
	return channels
}

// serviceFlags are those of the long-running commands.
type serviceFlags struct {
	storeFlags
	kafkaFlags
	sketchFlags
	Listen   string   `help:"Address of /metrics, /livez, /readyz and the page." placeholder:"127.0.0.1:9464"`
	Interval Duration `name:"snapshot.interval" help:"Time between two saves of a partition." placeholder:"10s"`
	Idle     Duration `name:"idle.timeout" help:"How long a caught-up partition may hold back an interval." placeholder:"60s"`
}

// config reads the file and puts the flags over it.
func (f *serviceFlags) config(e *env, listen string) (Config, error) {
	c, err := loadConfig(f.Config)
	if err != nil {
		return c, err
	}
	over(&c.Store, f.Store)
	f.kafkaFlags.apply(&c.Kafka)
	if err := f.sketchFlags.apply(&c); err != nil {
		return c, err
	}
	over(&c.Snapshot.Interval, f.Interval)
	over(&c.Idle.Timeout, f.Idle)
	over(&c.Listen, f.Listen)
	if c.Listen == "" {
		c.Listen = listen
	}
	e.setLog(c.Log)
	return c, c.Validate()
}

// fields writes name and value pairs for people.
func fields(pairs ...any) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%-22s %v\n", pairs[i], pairs[i+1])
	}
	return b.String()
}
