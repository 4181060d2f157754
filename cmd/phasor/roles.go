package main

import (
	"errors"

	"phasor/sketcher"
	"phasor/stream/embedded"
)

type sketcherCmd struct {
	serviceFlags `group:"Service"`
	kafkaFlags   `group:"Kafka"`
	streamFlags  `group:"Stream"`
}

// Help is shown by --help.
func (sketcherCmd) Help() string {
	return `Examples:
  phasor sketcher --config phasor.yaml
  phasor sketcher --brokers kafka:9092 --topic press.sensors --channels temperature,pressure=readings.p_bar --store /var/lib/phasor

On SIGTERM it stops reading, saves every partition, commits and leaves the group.
` + configHelp
}

// Run runs the command.
func (c *sketcherCmd) Run(e *env) error {
	cfg, err := c.config(e, "127.0.0.1:9464", c.kafkaFlags.apply, c.streamFlags.apply, (*Config).Validate)
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 {
		return usagef("no brokers: name at least one with --kafka.brokers host:port, or use \"phasor run\" for an embedded Kafka")
	}
	return runRoles(e, cfg, roles{sketch: true}, "Phasor sketcher")
}

type trainerCmd struct {
	serviceFlags `group:"Service"`
	fitFlags     `group:"Fit and drift"`
}

// Help is shown by --help.
func (trainerCmd) Help() string {
	return `Examples:
  phasor trainer --config phasor.yaml
  phasor trainer --store s3://bucket/prefix --name press-line-4

It reads nothing but the store. Without a file it needs the name of the sketch only. "phasor run --help" lists the keys
of the file.`
}

// Run runs the command.
func (c *trainerCmd) Run(e *env) error {
	cfg, err := c.config(e, "127.0.0.1:9465", c.fitFlags.apply, validateTrained)
	if err != nil {
		return err
	}
	return runRoles(e, cfg, roles{train: true}, "Phasor trainer")
}

// validateTrained checks a configuration for a role that needs neither topics nor channels.
func validateTrained(c *Config) error {
	if len(c.Sketches) == 0 {
		return usagef("no sketch is named: give --config FILE, or --name and --store")
	}
	return c.validate(func(s *SketchConfig) error {
		if s.Name == "" {
			return errors.New("a sketch has no name: a trainer without --config needs --name, the name of a sketch in the store")
		}
		return s.validateFit()
	})
}

type runCmd struct {
	serviceFlags  `group:"Service"`
	kafkaFlags    `group:"Kafka"`
	streamFlags   `group:"Stream"`
	fitFlags      `group:"Fit and drift"`
	embeddedFlags `group:"Embedded Kafka"`
}

// Help is shown by --help.
func (runCmd) Help() string {
	return `Examples:
  phasor run --topic press --channels temperature,pressure --embedded.port 9092 --embedded.dir ./log
  phasor run --config phasor.yaml

Without --embedded.dir the log of the embedded Kafka ends with the process. The next run has new, empty topics: what was
folded stays in the sketch, and the gap is on record.
` + configHelp
}

// Run runs the command.
func (c *runCmd) Run(e *env) error {
	cfg, err := c.config(e, "127.0.0.1:9464", c.kafkaFlags.apply, c.streamFlags.apply, c.fitFlags.apply, c.embeddedFlags.apply, (*Config).Validate)
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 {
		b, err := startEmbedded(e, &cfg)
		if err != nil {
			return err
		}
		defer b.Close()
	}
	return runRoles(e, cfg, roles{sketch: true, train: true}, "Phasor")
}

// embeddedFlags say how the embedded Kafka runs.
type embeddedFlags struct {
	Dir        string `name:"embedded.dir" help:"Folder of the embedded Kafka's log; default: memory." placeholder:"DIR"`
	Port       int    `name:"embedded.port" help:"Port of the embedded Kafka; default: a free one." placeholder:"PORT"`
	Partitions int    `name:"embedded.partitions" help:"Partitions of the topics that it creates." placeholder:"4"`
}

// apply puts the flags over the configuration. An embedded Kafka in memory begins anew with every process, so that its
// topics are always others than those of the last one.
func (f *embeddedFlags) apply(cfg *Config) error {
	over(&cfg.Embedded.Dir, f.Dir)
	over(&cfg.Embedded.Port, f.Port)
	over(&cfg.Embedded.Partitions, f.Partitions)
	if len(cfg.Kafka.Brokers) == 0 && cfg.Embedded.Dir == "" {
		for i := range cfg.Sketches {
			if s := &cfg.Sketches[i]; s.OnRecreated == "" {
				s.OnRecreated = string(sketcher.Continue)
			}
		}
	}
	return nil
}

// startEmbedded starts an embedded Kafka with the configured topics and points the configuration at it.
func startEmbedded(e *env, cfg *Config) (*embedded.Broker, error) {
	topics := map[string]int{}
	for _, s := range cfg.Sketches {
		for _, t := range s.Topics {
			topics[t] = cfg.Embedded.Partitions
		}
		for _, t := range s.outputs() {
			topics[t] = 1
		}
	}
	b, err := embedded.Start(embedded.Config{Dir: cfg.Embedded.Dir, Port: cfg.Embedded.Port, Topics: topics,
		OnError: func(err error) { e.log.Warn("embedded Kafka", "err", err) }})
	if err != nil {
		return nil, err
	}
	cfg.Kafka.Brokers = b.Addrs()
	e.log.Info("embedded Kafka", "brokers", b.Addrs(), "dir", cfg.Embedded.Dir)
	return b, nil
}

func runRoles(e *env, cfg Config, r roles, title string) error {
	p, err := newPipeline(e, cfg, r, title)
	if err != nil {
		return err
	}
	defer p.close()
	return p.run(e.ctx, nil)
}
