// Command phasor turns a Kafka stream into a mergeable sketch, keeps a generator fresh from the sketch alone, and tells
// when the stream drifts.
//
//	phasor demo         everything in one process, on an embedded Kafka
//	phasor run          sketcher, trainer and page in one process
//	phasor sketcher     Kafka → sketches with their offsets → the store
//	phasor trainer      the store → models, drift alarms
//	phasor serve        the store → answers over HTTP: samples, scores, missing channels
//	phasor produce      records into a topic
//	phasor recover      records from measurements: missing channels, noise, compression, blur
//	phasor calibrate    sketch   merge   inspect   fit   sample   score   export   clusters   drift   models   sign
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
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. Environment variables have the flags' names: PHASOR_LOG_FORMAT for --log.format.
type cli struct {
	LogFormat string `name:"log.format" help:"Format of the log: text or json." placeholder:"text"`
	LogLevel  string `name:"log.level" help:"Least level that is logged: debug, info, warn or error." placeholder:"info"`

	KeyFile       string `name:"integrity.key_file" help:"Keys that the objects of a store are signed with; without it the variable PHASOR_INTEGRITY_KEY holds them." placeholder:"FILE"`
	AllowUnsigned bool   `name:"integrity.allow_unsigned" help:"Believe objects that are not signed, while a store gets its first key."`

	Demo       demoCmd       `cmd:"" help:"Everything in one process on an embedded Kafka."`
	Run        runCmd        `cmd:"" help:"Sketcher, trainer and page in one process; embedded Kafka when no brokers are named."`
	Sketcher   sketcherCmd   `cmd:"" help:"Fold topics into sketches and save them."`
	Trainer    trainerCmd    `cmd:"" help:"Fit generators to the sketches of a store and watch for drift."`
	Serve      serveCmd      `cmd:"" help:"Answer requests over HTTP with the model of a sketch."`
	Produce    produceCmd    `cmd:"" help:"Write records of a file, standard input, a simulated plant or this host to a topic."`
	Calibrate  calibrateCmd  `cmd:"" help:"Draw a feature map from a file or a topic."`
	Sketch     sketchCmd     `cmd:"" help:"Sketch files."`
	Merge      mergeCmd      `cmd:"" help:"Merge sketches into one."`
	Inspect    inspectCmd    `cmd:"" help:"Show what is in an object."`
	Fit        fitCmd        `cmd:"" help:"Fit a generator to a sketch."`
	Sample     sampleCmd     `cmd:"" help:"Draw records from a model."`
	Export     exportCmd     `cmd:"" help:"Write a model in a form for other programs."`
	Score      scoreCmd      `cmd:"" help:"Say how odd records are, by a model."`
	Clusters   clustersCmd   `cmd:"" help:"Find clusters in a sketch."`
	Recover    recoverCmd    `cmd:"" help:"Recover records from measurements: missing channels, noise, compression, blur."`
	Drift      driftCmd      `cmd:"" help:"Test whether two sketches, or two ranges of a store, differ."`
	History    historyCmd    `cmd:"" help:"List the panes that a store keeps of the stream's past, and merge a range of them."`
	Models     modelsCmd     `cmd:"" help:"List, show, promote and roll back models."`
	Sign       signCmd       `cmd:"" help:"Sign the objects of a store, for its first key or for a new one."`
	Bench      benchCmd      `cmd:"" help:"Measure this machine."`
	Doctor     doctorCmd     `cmd:"" help:"Try what a role will need: brokers, topics, records, store, clocks, memory."`
	Configure  configCmd     `cmd:"" name:"config" help:"Check a configuration file, or print what holds after environment and flags."`
	Completion completionCmd `cmd:"" help:"Print the completion of a shell."`
	Manual     manCmd        `cmd:"" name:"man" help:"Print the manual page."`
	Explain    helpCmd       `cmd:"" name:"help" help:"Explain a command, as its --help does."`
	Version    versionCmd    `cmd:"" help:"Show the version of this program."`
}

// env is what a command works with beside its flags.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	logFlags       LogConfig
	keyFlags       IntegrityConfig
	typed          map[string]bool // Flags of the command line, without those of the environment.
}

func main() {
	unsetEmpty()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second signal ends the process at once.
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err))
}

// unsetEmpty makes an empty variable the same as none, as it is meant where one cannot be left out.
func unsetEmpty() {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, "PHASOR_") {
			os.Unsetenv(name)
		}
	}
}

// exited carries the exit code out of the parser, which ends the program for --help.
type exited int

// run is main without the process: it parses, runs a command and reports its error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil, exited:
		default:
			err = fmt.Errorf("internal error: %v", r)
			fmt.Fprintf(stderr, "phasor: %v\nThis is a defect of Phasor; please report it with these lines:\n%s\n", err, debug.Stack())
		}
	}()
	var c cli
	parser, err := newParser(&c, stdout, stderr)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "phasor: %s\nRun \"%s --help\" for what can be given.\n", parseMessage(err), commandOf(parser, args))
		return usage(err)
	}
	e := &env{ctx: ctx, stdin: &interruptible{ctx: ctx, r: stdin}, stdout: stdout, stderr: stderr,
		logFlags: LogConfig{Format: c.LogFormat, Level: c.LogLevel}, keyFlags: IntegrityConfig{c.KeyFile, c.AllowUnsigned}, typed: typed(k)}
	err = e.logFlags.Validate()
	if err == nil {
		e.setLog(LogConfig{})
		err = e.setIntegrity(IntegrityConfig{})
	}
	if err == nil {
		err = k.Run(e)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "phasor: %v\n", err)
	}
	return err
}

func newParser(c *cli, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("phasor"),
		kong.Description("Exact, mergeable sketches of Kafka streams; generators fitted to them; drift alarms.\n\nRun \"phasor COMMAND --help\" for examples."),
		kong.DefaultEnvars("PHASOR"), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exited(code)) }))
}

// parseMessage is what the parser says, in the words of the help.
func parseMessage(err error) string {
	text := err.Error()
	if _, arg, ok := strings.Cut(text, "unexpected argument "); ok {
		return "there is no command or argument " + arg
	}
	if value, _, ok := strings.Cut(text, " (short flag)"); ok {
		return value
	}
	return text
}

// commandOf is the command that the arguments begin with.
func commandOf(parser *kong.Kong, args []string) string {
	name, node := "phasor", parser.Model.Node
	for _, a := range args {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == a })
		if i < 0 {
			break
		}
		name, node = name+" "+a, node.Children[i]
	}
	return name
}

// typed are the flags that stand on the command line, not those of the environment.
func typed(k *kong.Context) map[string]bool {
	m := map[string]bool{}
	for _, p := range k.Path {
		if p.Flag != nil && !p.Resolved {
			m[p.Flag.Name] = true
		}
	}
	return m
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
