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
	Brokers       []string `name:"kafka.brokers" aliases:"brokers" help:"Addresses to start from, host:port." placeholder:"HOST:PORT"`
	Group         string   `name:"kafka.group" help:"Consumer group; each sketch reads as GROUP.SKETCH." placeholder:"phasor"`
	TLSCA         string   `name:"kafka.tls.ca" help:"PEM file of the authorities to trust; switches TLS on." placeholder:"FILE"`
	TLSCert       string   `name:"kafka.tls.cert" help:"PEM file of this client's certificate." placeholder:"FILE"`
	TLSKey        string   `name:"kafka.tls.key" help:"PEM file of its key." placeholder:"FILE"`
	SASLMechanism string   `name:"kafka.sasl.mechanism" help:"plain, scram-sha-256 or scram-sha-512." placeholder:"NAME"`
	SASLUser      string   `name:"kafka.sasl.user" help:"User." placeholder:"NAME"`
	SASLPassword  string   `name:"kafka.sasl.password_file" help:"File that holds the password; without it the environment variable PHASOR_KAFKA_PASSWORD does." placeholder:"FILE"`
}

// apply puts the flags over a configuration.
func (f *kafkaFlags) apply(config *Config) error {
	c := &config.Kafka
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
	return nil
}

// streamFlags describe the records of one sketch without a file, or change those of the one in a file.
type streamFlags struct {
	Topics     []string `name:"topics" aliases:"topic" help:"Topics to fold." placeholder:"TOPIC"`
	Format     string   `help:"How records are encoded: json, csv, float32, float64, tags, log, avro or protobuf." placeholder:"json"`
	Channels   []string `help:"Channels in order: NAME or NAME=PATH." placeholder:"NAME[=PATH]"`
	AvroSchema string   `name:"avro.schema" help:"File with the schema of plain Avro records." placeholder:"FILE"`
	Registry   string   `name:"avro.registry" help:"URL of the schema registry of Avro records that begin with a schema's number." placeholder:"URL"`
	Descriptor string   `name:"protobuf.descriptors" help:"File that protoc --include_imports --descriptor_set_out wrote." placeholder:"FILE"`
	Message    string   `name:"protobuf.message" help:"Full name of the records' message." placeholder:"NAME"`
	Wire       string   `name:"protobuf.wire" help:"plain, or confluent: a schema's number comes first." placeholder:"plain"`
	TimeField  string   `name:"time.field" help:"Field of the event time; default: the record's timestamp." placeholder:"PATH"`
	TimeUnit   string   `name:"time.unit" help:"s, ms, us, ns, rfc3339, or a layout such as syslog or auto." placeholder:"ms"`
	Missing    string   `help:"What a missing value does: reject or last." placeholder:"reject"`
	Features   int      `name:"calibrate.features" help:"Number of frequencies; default by the number of channels." placeholder:"M"`
	Seed       uint64   `name:"calibrate.seed" help:"Same pilot and seed, same feature map." placeholder:"1"`
	Pilot      int      `name:"calibrate.pilot" help:"Records to calibrate on." placeholder:"10000"`
	PilotWait  Duration `name:"calibrate.timeout" help:"How long to wait for them before fewer will do." placeholder:"30s"`
	PaneLength Duration `name:"panes.length" help:"Length of a pane of event time." placeholder:"60s"`
	Lateness   Duration `name:"panes.lateness" help:"How late a record may come." placeholder:"60s"`
	Interval   Duration `name:"snapshot.interval" help:"Time between two saves of a partition." placeholder:"10s"`
	Timeout    Duration `name:"snapshot.timeout" help:"Time after which an operation of the store is given up." placeholder:"30s"`
}

// apply puts the flags over the only sketch of the configuration, or makes one of them.
func (f *streamFlags) apply(c *Config) error {
	over(&c.Snapshot.Interval, f.Interval)
	over(&c.Snapshot.Timeout, f.Timeout)
	if len(f.Topics)+len(f.Channels) == 0 && f.Format+f.TimeField+f.TimeUnit+f.Missing+f.AvroSchema+f.Registry+f.Descriptor+f.Message+f.Wire == "" && f.Features|f.Pilot == 0 &&
		f.Seed == 0 && f.PilotWait|f.PaneLength|f.Lateness == 0 {
		return nil
	}
	s, err := c.only("--topics, --calibrate.features or --panes.length")
	if err != nil {
		return err
	}
	if len(f.Topics) > 0 {
		s.Topics = f.Topics
	}
	over(&s.Format, f.Format)
	if len(f.Channels) > 0 {
		s.Channels = parseChannels(f.Channels)
	}
	over(&s.Avro.Schema, f.AvroSchema)
	over(&s.Avro.Registry, f.Registry)
	over(&s.Protobuf.Descriptors, f.Descriptor)
	over(&s.Protobuf.Message, f.Message)
	over(&s.Protobuf.Wire, f.Wire)
	over(&s.Time.Field, f.TimeField)
	over(&s.Time.Unit, f.TimeUnit)
	over(&s.Missing, f.Missing)
	over(&s.Calibrate.Features, f.Features)
	over(&s.Calibrate.Seed, f.Seed)
	over(&s.Calibrate.Pilot, f.Pilot)
	over(&s.Calibrate.Timeout, f.PilotWait)
	over(&s.Panes.Length, f.PaneLength)
	over(&s.Panes.Lateness, f.Lateness)
	return nil
}

// fitFlags say what the trainer does with one sketch.
type fitFlags struct {
	FitEvery    Duration  `name:"fit.every" help:"Time between two fits." placeholder:"10m"`
	FitBudget   Duration  `name:"fit.budget" help:"Wall time of one fit." placeholder:"30s"`
	FitHorizon  Duration  `name:"fit.horizon" help:"Event time that a fit sees; default: all since the last change." placeholder:"24h"`
	FitRecords  int64     `name:"fit.records" help:"New records that a fit needs." placeholder:"1000"`
	FitSeed     uint64    `name:"fit.seed" help:"Seed of the weights, the latents and the split of the frequencies." placeholder:"1"`
	Reference   Duration  `name:"drift.reference" help:"Event time that is taken for normal." placeholder:"7d"`
	Mode        string    `name:"drift.mode" help:"How panes are weighed: scan, shiryaev-roberts or rolling." placeholder:"scan"`
	Against     string    `name:"drift.against" help:"Reference: model, or a range of event time; default: what came since the last change." placeholder:"T1..T2"`
	FalseAlarms RunLength `name:"drift.false_alarms" help:"Acceptable false alarms." placeholder:"\"1 per 30d\""`
	Idle        Duration  `name:"idle.timeout" help:"How long a caught-up partition may hold back an interval." placeholder:"60s"`
}

func (f *fitFlags) apply(c *Config) error {
	over(&c.Idle.Timeout, f.Idle)
	if f.FitEvery|f.FitBudget|f.FitHorizon|f.Reference == 0 && f.FitRecords == 0 && f.FitSeed == 0 && f.FalseAlarms == 0 && f.Mode+f.Against == "" {
		return nil
	}
	s, err := c.only("--fit.every or --drift.reference")
	if err != nil {
		return err
	}
	over(&s.Fit.Every, f.FitEvery)
	over(&s.Fit.Budget, f.FitBudget)
	over(&s.Fit.Horizon, f.FitHorizon)
	over(&s.Fit.Records, f.FitRecords)
	over(&s.Fit.Seed, f.FitSeed)
	over(&s.Drift.Reference, f.Reference)
	over(&s.Drift.FalseAlarms, f.FalseAlarms)
	over(&s.Drift.Mode, f.Mode)
	over(&s.Drift.Against, f.Against)
	return nil
}

// only returns the one sketch of the configuration, new if there is none.
func (c *Config) only(flags string) (*SketchConfig, error) {
	switch len(c.Sketches) {
	case 0:
		c.Sketches = []SketchConfig{{}}
	case 1:
	default:
		return nil, usagef("the file configures %d sketches: flags such as %s need exactly one; change the file instead", len(c.Sketches), flags)
	}
	return &c.Sketches[0], nil
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

// serviceFlags are those of every long-running command.
type serviceFlags struct {
	storeFlags
	webFlags
	Name   string `help:"Name of the sketch; default: its first topic." placeholder:"NAME"`
	Listen string `help:"Address of /metrics, /livez, /readyz and the page." placeholder:"127.0.0.1:9464"`
}

// config reads the file and puts the flags over it; more are those of the command beside its serviceFlags.
func (f *serviceFlags) config(e *env, listen string, more ...func(*Config) error) (Config, error) {
	c, err := loadConfig(f.Config)
	if err != nil {
		return c, err
	}
	over(&c.Store, f.Store)
	over(&c.Listen, f.Listen)
	if c.Listen == "" {
		c.Listen = listen
	}
	if err := f.webFlags.apply(&c); err != nil {
		return c, err
	}
	if f.Name != "" {
		s, err := c.only("--name")
		if err != nil {
			return c, err
		}
		s.Name = f.Name
	}
	for _, apply := range more {
		if err := apply(&c); err != nil {
			return c, err
		}
	}
	e.setLog(c.Log)
	return c, e.setIntegrity(c.Integrity)
}

// fields writes name and value pairs for people.
func fields(pairs ...any) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%-22s %v\n", pairs[i], pairs[i+1])
	}
	return b.String()
}
