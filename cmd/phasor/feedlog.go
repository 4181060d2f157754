package main

import (
	"fmt"
	"slices"
	"strings"

	"phasor/stream/decode"
	"phasor/stream/replay"
)

// described is how the file of --config describes the lines of --input.
func (f *inputFlags) described() (decode.Config, error) {
	cfg, err := loadConfig(f.Config)
	if err != nil {
		return decode.Config{}, err
	}
	for i, s := range cfg.Sketches {
		cfg.Sketches[i] = s.withDefaults()
	}
	if len(cfg.Sketches) == 0 {
		return decode.Config{}, usagef("%s configures no sketch: nothing describes the lines", f.Config)
	}
	s, err := pick(cfg.Sketches, f.sketch)
	return s.Config, err
}

// openDescribed opens lines that are decoded as a sketch decodes its records, or a Parquet or Avro file that has the fields
// of such records.
func (f *inputFlags) openDescribed(e *env, path string) (replay.Feed, error) {
	for _, flag := range []string{"columns", "format", "delimiter", "missing"} {
		if e.typed[flag] {
			return nil, usagef("--%s with --config: the file describes the lines, leave it out", flag)
		}
	}
	c, err := f.described()
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, usage(fmt.Errorf("%s: %w", f.Config, err))
	}
	if err := f.sameChannels(c.Names()); err != nil {
		return nil, err
	}
	if kind, err := formatOf(path, "auto"); err != nil {
		return nil, err
	} else if kind == replay.KindParquet || kind == replay.KindAvro {
		return openTyped(e, path, kind, replay.Options{Decode: c, NoTime: true})
	}
	if path == "-" {
		return replay.NewRecords(e.stdin, "standard input", replay.Options{Decode: c})
	}
	return replay.OpenRecords(path, replay.Options{Decode: c})
}

// transforms sets those that the file of --config names and the command line does not.
func (f *inputFlags) transforms(t []string) error {
	c, err := f.described()
	if err != nil {
		return err
	}
	for k, ch := range c.Vector() {
		if t[k] == "" {
			t[k] = ch.Transform
		}
	}
	return nil
}

// openLog opens lines of text, whose pattern is found out from the first of them.
func (f *inputFlags) openLog(e *env, path string, c decode.Config) (*replay.Table, error) {
	c.Format, c.Log.Pattern = "log", replay.AutoPattern
	opt := replay.Options{NoTime: true, Decode: c}
	var t *replay.Table
	var err error
	if path == "-" {
		t, err = replay.NewLog(e.stdin, "standard input", opt)
	} else {
		t, err = replay.OpenLog(path, opt)
	}
	if err != nil {
		return nil, err
	}
	pattern := t.Config().Log.Pattern
	if pattern == "" {
		pattern = "none: each line is the message"
	}
	e.log.Info("lines of text", "file", path, "pattern", pattern, "channels", len(t.Channels()))
	if err := f.sameChannels(t.Channels()); err != nil {
		t.Close() // It was only read.
		return nil, err
	}
	return t, nil
}

// sameChannels says that the lines do not have the channels that are wanted.
func (f *inputFlags) sameChannels(have []string) error {
	if len(f.names) == 0 || slices.Equal(f.names, have) {
		return nil
	}
	return usagef("the lines have the channels %s and %s are wanted: give the --config that the feature map was calibrated with", strings.Join(have, ", "), strings.Join(f.names, ", "))
}
