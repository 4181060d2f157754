package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say everything that is wrong with a file, and what may not be meant."`
	Print configPrintCmd `cmd:"" help:"Print the configuration that a role would work with."`
}

// Help is shown by --help.
func (configCmd) Help() string {
	return `Examples:
  phasor config check phasor.yaml
  phasor config print --config phasor.yaml --fit.every 5m
`
}

type configCheckCmd struct {
	Files  []string `arg:"" name:"file" help:"Files to check." type:"existingfile"`
	Role   string   `help:"Role that is to read them: run, sketcher, trainer or serve." default:"run" enum:"run,sketcher,trainer,serve" placeholder:"run"`
	Strict bool     `help:"Let warnings count as errors."`
	JSON   bool     `name:"json" help:"Print the findings as one JSON line."`
}

// Help is shown by --help.
func (configCheckCmd) Help() string {
	return `Examples:
  phasor config check phasor.yaml
  phasor config check --role sketcher --strict deploy/*.yaml

Every error is told with its line and column, not only the first. Nothing is connected to, and neither environment nor
flags are looked at. The exit code is 0, or 2 if a file has an error.`
}

// Run runs the command.
func (c *configCheckCmd) Run(e *env) error {
	findings, bad := []finding{}, 0
	for _, file := range c.Files {
		found := checkConfigFile(file, c.Role)
		slices.SortStableFunc(found, func(a, b finding) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		findings = append(findings, found...)
		if slices.ContainsFunc(found, func(f finding) bool { return f.Level == "error" || c.Strict }) {
			bad++
		} else if !c.JSON {
			fmt.Fprintf(e.stdout, "%s: ok\n", file)
		}
		if !c.JSON {
			for _, f := range found {
				fmt.Fprintln(e.stderr, f)
			}
		}
	}
	if c.JSON {
		if err := printJSON(e.stdout, map[string]any{"findings": findings, "files": len(c.Files), "bad": bad}); err != nil {
			return err
		}
	}
	if bad > 0 {
		return usagef("%d of %d files cannot be used", bad, len(c.Files))
	}
	return nil
}

type configPrintCmd struct {
	Role          string `help:"Role whose configuration is printed: run, sketcher, trainer or serve." default:"run" enum:"run,sketcher,trainer,serve" placeholder:"run"`
	JSON          bool   `name:"json" help:"Print one JSON line instead of YAML."`
	serviceFlags  `group:"Service"`
	kafkaFlags    `group:"Kafka"`
	streamFlags   `group:"Stream"`
	fitFlags      `group:"Fit and drift"`
	embeddedFlags `group:"Embedded Kafka"`
}

// Help is shown by --help.
func (configPrintCmd) Help() string {
	return `Examples:
  phasor config print --config phasor.yaml
  phasor config print --config phasor.yaml --role trainer --json
  PHASOR_STORE=/var/lib/phasor phasor config print --topics press --channels a,b

It prints what holds after file, environment and flags, with every default, as YAML that reads back to the same
configuration. What may be a secret is written as (redacted); passwords are never in it.`
}

// listenOf is where a role listens unless it is told.
var listenOf = map[string]string{"run": "127.0.0.1:9464", "sketcher": "127.0.0.1:9464", "trainer": "127.0.0.1:9465", "serve": "127.0.0.1:9466"}

// Run runs the command.
func (c *configPrintCmd) Run(e *env) error {
	cfg, err := c.merged(e)
	if err != nil {
		return err
	}
	if c.JSON {
		return cfg.printJSON(e.stdout)
	}
	return cfg.print(e.stdout)
}

// merged is the configuration as the role would make it of file, environment and flags, checked as the role does.
func (c *configPrintCmd) merged(e *env) (Config, error) {
	parts := []func(*Config) error{c.kafkaFlags.apply, c.streamFlags.apply, c.fitFlags.apply}
	switch c.Role {
	case "run":
		parts = append(parts, c.embeddedFlags.apply, (*Config).Validate)
	case "sketcher":
		parts = append(parts, (*Config).Validate, func(c *Config) error {
			if len(c.Kafka.Brokers) == 0 {
				return usagef("no brokers: name at least one with --kafka.brokers host:port, or print the configuration of --role run")
			}
			return nil
		})
	case "trainer":
		parts = append(parts, validateTrained)
	case "serve":
		parts = append(parts, func(cfg *Config) error {
			if c.Config != "" && c.Listen == "" {
				cfg.Listen = listenOf["serve"] // The file's address is that of the sketcher.
			}
			return cfg.Serve.Validate()
		})
	}
	cfg, err := c.config(e, listenOf[c.Role], parts...)
	if err == nil && len(cfg.Kafka.Brokers) > 0 && c.Role != "trainer" && c.Role != "serve" {
		if err = cfg.Kafka.Validate(); err != nil {
			err = usage(errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
	}
	return cfg, err
}
