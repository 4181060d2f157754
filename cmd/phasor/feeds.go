package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"phasor/stream/decode"
	"phasor/stream/replay"
)

// inputFlags read files of records.
type inputFlags struct {
	Input     []string `required:"" help:"Files of records: CSV, NDJSON or .log by their names, gzip or zstd or not, Parquet, Avro; - is standard input." type:"existingfile" placeholder:"FILE"`
	Columns   []string `help:"Channels in order: NAME or NAME=PATH; default: every numeric column but the time." placeholder:"NAME,…"`
	Format    string   `enum:"auto,csv,json,ndjson,log,parquet,avro" default:"auto" help:"csv, json (one value a line) or log (lines of text), if the names do not say; parquet and avro (object container) files say it themselves."`
	Delimiter string   `help:"Of CSV; default: found out." placeholder:"CHAR"`
	Missing   string   `enum:"reject,last" default:"reject" help:"What a missing value does: reject or last."`

	Config string `help:"YAML file whose sketch describes the lines, as it would the records of a topic." type:"existingfile" placeholder:"FILE"`

	names  []string // Channels to take if no columns are named.
	sketch string   // Of the file of Config, if it has several.
}

// open opens one file.
func (f *inputFlags) open(e *env, path string) (replay.Feed, error) {
	opt := replay.Options{NoTime: len(f.Columns)+len(f.names) > 0, Decode: decode.Config{Missing: f.Missing}}
	if len(f.Columns) > 0 {
		opt.Decode.Channels = parseChannels(f.Columns)
	}
	if e.typed["config"] {
		return f.openDescribed(e, path)
	}
	format, err := formatOf(path, f.Format)
	if err != nil {
		return nil, err
	}
	if format == replay.KindParquet || format == replay.KindAvro {
		if len(f.Columns) == 0 {
			for _, n := range f.names {
				opt.Decode.Channels = append(opt.Decode.Channels, decode.Channel{Name: n})
			}
		}
		return openTyped(e, path, format, opt)
	}
	if format == "log" {
		return f.openLog(e, path, opt.Decode)
	}
	if format == "csv" {
		opt.Decode.CSV.Delimiter = f.Delimiter
	}
	if len(f.Columns)+len(f.names) == 0 || len(f.Columns) > 0 {
		return openTable(e, path, format, opt)
	}
	if format == "csv" {
		for _, n := range f.names {
			opt.Decode.Channels = append(opt.Decode.Channels, decode.Channel{Name: n})
		}
		return openTable(e, path, format, opt)
	}
	return f.openNamed(e, path, opt)
}

// formatOf is the format of a file: the given one, what its first bytes or its name say.
func formatOf(path, given string) (string, error) {
	if given != "auto" {
		return given, nil
	}
	if path != "-" {
		if kind, err := replay.KindOf(path); err != nil || kind != "" {
			return kind, err
		}
	}
	name := strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".json", ".jsonl", ".ndjson":
		return "json", nil
	case ".log":
		return "log", nil
	}
	return "csv", nil
}

// openTyped opens a Parquet or Avro file.
func openTyped(e *env, path, kind string, opt replay.Options) (replay.Feed, error) {
	if path == "-" && kind == replay.KindAvro {
		return replay.NewAvro(e.stdin, "standard input", opt)
	}
	return replay.OpenTyped(path, kind, opt)
}

// openNamed opens lines of JSON whose fields have the names that calibrate found in such lines: "a.b" may be the field
// b of a or one field with a dot in its name, which the first lines tell.
func (f *inputFlags) openNamed(e *env, path string, opt replay.Options) (replay.Feed, error) {
	r, source := io.Reader(e.stdin), "standard input"
	var c io.Closer
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		r, source, c = file, filepath.Base(path), file
	}
	ahead := bufio.NewReaderSize(replay.Inflate(r), 1<<20)
	_, _ = ahead.Peek(1) // An error comes again when the rows are read.
	head, _ := ahead.Peek(ahead.Buffered())
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	paths := map[string]string{}
	if t, err := replay.NewNDJSON(bytes.NewReader(head), source, replay.Options{NoTime: true}); err == nil {
		for _, ch := range t.Config().Channels {
			paths[ch.Name] = ch.Path
		}
	}
	for _, n := range f.names {
		opt.Decode.Channels = append(opt.Decode.Channels, decode.Channel{Name: n, Path: paths[n]})
	}
	t, err := replay.NewNDJSON(ahead, source, opt)
	if err != nil {
		if c != nil {
			c.Close() // It was only read.
		}
		return nil, err
	}
	return closing{t, c}, nil
}

// closing closes the file behind a feed.
type closing struct {
	replay.Feed
	c io.Closer
}

func (f closing) Close() error {
	if f.c == nil {
		return nil
	}
	return f.c.Close()
}

func openTable(e *env, path, format string, opt replay.Options) (replay.Feed, error) {
	if path != "-" {
		if kind, err := replay.KindOf(path); err == nil && kind != "" {
			return nil, usagef("%s is a file of %s: leave --format out, or name it as %s:%s", path, kind, kind, path)
		}
	}
	switch {
	case format == "csv" && path == "-":
		return replay.NewCSV(e.stdin, "standard input", opt)
	case format == "csv":
		return replay.OpenCSV(path, opt)
	case path == "-":
		return replay.NewNDJSON(e.stdin, "standard input", opt)
	}
	return replay.OpenNDJSON(path, opt)
}

// rejects counts rows that could not be read, and logs the first of each reason.
type rejects struct {
	e    *env
	n    map[string]int64
	rows int64
}

// add counts err and reports whether reading goes on behind it.
func (r *rejects) add(err error) bool {
	var row *replay.RowError
	if !errors.As(err, &row) {
		return false
	}
	if r.n == nil {
		r.n = map[string]int64{}
	}
	reason := row.Reason.String()
	if r.n[reason] == 0 {
		r.e.log.Warn("row rejected; more of this kind are only counted", "err", err)
	}
	r.n[reason]++
	r.rows++
	return true
}

// each calls use for every row of every file. All files must have the same channels.
func (f *inputFlags) each(e *env, use func(names []string, x []float64) error) (rejects, error) {
	bad := rejects{e: e}
	b := newBar(e, "reading", -1)
	defer b.close()
	var names []string
	for _, path := range f.Input {
		feed, err := f.open(e, path)
		if err != nil {
			return bad, err
		}
		if names == nil {
			names = feed.Channels()
		}
		if err := sameNames(path, names, feed.Channels()); err != nil {
			return bad, err
		}
		err = f.rows(e.ctx, feed, names, &bad, b, use)
		if err := errors.Join(err, replay.Close(feed)); err != nil {
			return bad, err
		}
	}
	return bad, nil
}

func (f *inputFlags) rows(ctx context.Context, feed replay.Feed, names []string, bad *rejects, b bar, use func([]string, []float64) error) error {
	for n := int64(1); ; n++ {
		x, _, err := feed.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && bad.add(err):
			continue
		case err != nil:
			return err
		}
		if err := use(names, x); err != nil {
			return err
		}
		if n%4096 == 0 {
			b.add(4096)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
}

func sameNames(path string, want, have []string) error {
	if strings.Join(want, "\x00") == strings.Join(have, "\x00") {
		return nil
	}
	return fmt.Errorf("%s has the channels %v, the first file has %v: name those to use with --columns", path, have, want)
}

// sourceOptions steer a source of records to be produced.
type sourceOptions struct {
	seed    uint64
	rate    float64
	changes []time.Duration
}

// openSource opens what --source names. The rate of host is its interval.
func openSource(ctx context.Context, e *env, source string, o sourceOptions) (replay.Feed, error) {
	kind, arg, _ := strings.Cut(source, ":")
	switch {
	case kind == "plant" && arg == "":
		return replay.NewPlant(replay.PlantConfig{Seed: o.seed, Rate: o.rate, Changes: o.changes})
	case kind == "host" && arg == "":
		rate := o.rate
		if rate == 0 {
			rate = 10
		}
		return replay.NewHost(ctx, time.Duration(float64(time.Second)/rate))
	case kind == "skab" && arg != "":
		return replay.NewSKAB(arg, replay.SKABOptions{})
	case kind == "csv" && arg != "", kind == "stdin" && arg == "csv":
		return openTable(e, stdinOr(kind, arg), "csv", replay.Options{})
	case kind == "log" && arg != "":
		return replay.OpenLines(arg)
	case kind == "stdin" && arg == "log":
		return replay.NewLines(e.stdin, "standard input", nil), nil
	case (kind == replay.KindParquet || kind == replay.KindAvro) && arg != "":
		return openTyped(e, arg, kind, replay.Options{})
	case kind == "ndjson" && arg != "", kind == "stdin" && (arg == "" || arg == "ndjson"):
		return openTable(e, stdinOr(kind, arg), "json", replay.Options{})
	}
	return nil, usagef("--source %q: use plant, host, csv:PATH, ndjson:PATH, parquet:PATH, avro:PATH, log:PATH, skab:DIR, stdin, stdin:csv or stdin:log", source)
}

func stdinOr(kind, arg string) string {
	if kind == "stdin" {
		return "-"
	}
	return arg
}

func appendJSONString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // A string always has JSON.
		panic(err)
	}
	return append(b, q...)
}
