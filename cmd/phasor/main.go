// Command phasor turns a Kafka stream into a mergeable sketch, keeps a generator fresh from the sketch alone, and tells
// when the stream drifts.
//
//	phasor demo         everything in one process, on an embedded Kafka
//	phasor run          sketcher, trainer and page in one process
//	phasor sketcher     Kafka → sketches with their offsets → the store
//	phasor trainer      the store → models, drift alarms
//	phasor produce      records into a topic
//	phasor calibrate    sketch   merge   inspect   fit   sample   drift   models
//
// Exit codes: 0, 1 if something failed, 2 if it was asked wrongly. Results go to standard output; the log, warnings and
// progress go to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. Environment variables have the flags' names: PHASOR_LOG_FORMAT for --log.format.
type cli struct {
	LogFormat string `name:"log.format" enum:"text,json," default:"" help:"Format of the log: text or json." placeholder:"text"`
	LogLevel  string `name:"log.level" enum:"debug,info,warn,error," default:"" help:"Least level that is logged: debug, info, warn or error." placeholder:"info"`

	Demo      demoCmd      `cmd:"" help:"Everything in one process on an embedded Kafka."`
	Run       runCmd       `cmd:"" help:"Sketcher, trainer and page in one process; embedded Kafka when no brokers are named."`
	Sketcher  sketcherCmd  `cmd:"" help:"Fold topics into sketches and save them."`
	Trainer   trainerCmd   `cmd:"" help:"Fit generators to the sketches of a store and watch for drift."`
	Produce   produceCmd   `cmd:"" help:"Write records of a file, standard input, a simulated plant or this host to a topic."`
	Calibrate calibrateCmd `cmd:"" help:"Draw a feature map from a file or a topic."`
	Sketch    sketchCmd    `cmd:"" help:"Sketch files."`
	Merge     mergeCmd     `cmd:"" help:"Merge sketches into one."`
	Inspect   inspectCmd   `cmd:"" help:"Show what is in an object."`
	Fit       fitCmd       `cmd:"" help:"Fit a generator to a sketch."`
	Sample    sampleCmd    `cmd:"" help:"Draw records from a model."`
	Drift     driftCmd     `cmd:"" help:"Test whether two sketches, or two ranges of a store, differ."`
	Models    modelsCmd    `cmd:"" help:"List, show, promote and roll back models."`
	Version   versionCmd   `cmd:"" help:"Show the version of this program."`
}

// env is what a command works with beside its flags.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	logFlags       LogConfig
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err))
}

// exited carries the exit code out of the parser, which ends the program for --help.
type exited int

// run is main without the process: it parses, runs a command and reports its error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exited); !ok {
				panic(r)
			}
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("phasor"),
		kong.Description("Exact, mergeable sketches of Kafka streams; generators fitted to them; drift alarms.\n\nRun \"phasor COMMAND --help\" for examples."),
		kong.DefaultEnvars("PHASOR"), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exited(code)) }), kong.UsageOnError())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "phasor: %v\n", err)
		var p *kong.ParseError
		if errors.As(err, &p) {
			fmt.Fprintf(stderr, "Run \"%s --help\" for what can be given.\n", strings.TrimSpace("phasor "+firstWord(args)))
		}
		return usage(err)
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, logFlags: LogConfig{Format: c.LogFormat, Level: c.LogLevel}}
	e.setLog(LogConfig{})
	if err := k.Run(e); err != nil {
		fmt.Fprintf(stderr, "phasor: %v\n", err)
		return err
	}
	return nil
}

func firstWord(args []string) string {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return args[0]
	}
	return ""
}

// setLog makes the log of a command: flags beat the file.
func (e *env) setLog(c LogConfig) {
	if e.logFlags.Format != "" {
		c.Format = e.logFlags.Format
	}
	if e.logFlags.Level != "" {
		c.Level = e.logFlags.Level
	}
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(c.Level)) // Anything else was refused when it was read; empty stays info.
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		e.log = slog.New(slog.NewJSONHandler(e.stderr, o))
	} else {
		e.log = slog.New(slog.NewTextHandler(e.stderr, o))
	}
}
