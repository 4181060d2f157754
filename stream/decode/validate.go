package decode

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate returns the first thing that makes c unusable, and what to do
// about it.
func (c Config) Validate() error {
	given := c
	c = c.withDefaults()
	if !slices.Contains(Formats(), c.Format) {
		return fmt.Errorf("decode: unknown format %q: use one of %s", c.Format, strings.Join(Formats(), ", "))
	}
	if err := c.validateChannels(); err != nil {
		return err
	}
	if c.Missing != "reject" && c.Missing != "last" {
		return fmt.Errorf("decode: missing is %q: use reject (drop records that lack a channel) or last (repeat its last value)", c.Missing)
	}
	if c.MaxBytes < 0 {
		return fmt.Errorf("decode: max_bytes is %d: give a positive number of bytes, or 0 for %d", c.MaxBytes, DefaultMaxBytes)
	}
	if u := given.Time.Unit; u != "" && !slices.Contains(Units(), u) && !isLayout(u) {
		return fmt.Errorf("decode: unknown time unit %q: use one of %s, a layout such as %q, syslog, log4j, clf or auto", u, strings.Join(Units(), ", "), "%Y-%m-%d %H:%M:%S")
	} else if isLayout(u) && !c.layouts() {
		return fmt.Errorf("decode: time unit %q with format %s: layouts are for json, csv, log, avro and protobuf; use one of %s", u, c.Format, strings.Join(Units(), ", "))
	}
	if err := c.Time.validateClock(); err != nil {
		return err
	}
	if err := c.validateWindow(); err != nil {
		return err
	}
	if given.Time.Unit != "" && c.Time.Field == "" {
		return fmt.Errorf("decode: time unit %q without a time field: name the field, or remove the unit to use the record's timestamp", given.Time.Unit)
	}
	if len(c.Where) > 64 {
		return fmt.Errorf("decode: where has %d fields: at most 64 can be compared", len(c.Where))
	}
	for _, k := range c.whereKeys() {
		if k == "" {
			return fmt.Errorf("decode: where has an empty field name: name the field that must equal %q", c.Where[k])
		}
	}
	if c.Array != "" && c.Format != "json" && !c.typed() {
		return fmt.Errorf("decode: array %q with format %s: an array of channels needs format json, avro or protobuf", c.Array, c.Format)
	}
	if c.Format != "tags" && given.Tags != (Tags{}) {
		return fmt.Errorf("decode: a tags section with format %s: set format: tags or remove the section", c.Format)
	}
	if c.Format != "csv" && (given.CSV.Delimiter != "" || given.CSV.Decimal != "" || len(given.CSV.Header)+len(given.CSV.Nulls) > 0) {
		return fmt.Errorf("decode: a csv section with format %s: set format: csv or remove the section", c.Format)
	}
	if c.Format != "log" && given.Log != (Log{}) {
		return fmt.Errorf("decode: a log section with format %s: set format: log or remove the section", c.Format)
	}
	if c.Format != "avro" && given.Avro != (Avro{}) {
		return fmt.Errorf("decode: an avro section with format %s: set format: avro or remove the section", c.Format)
	}
	if c.Format != "protobuf" && given.Protobuf != (Protobuf{}) {
		return fmt.Errorf("decode: a protobuf section with format %s: set format: protobuf or remove the section", c.Format)
	}
	switch c.Format {
	case "json":
		return c.validatePaths()
	case "avro":
		return c.validateAvro()
	case "protobuf":
		return c.validateProtobuf()
	case "log":
		return c.validateLog()
	case "tags":
		if f, t := given.Time.Field, given.Tags.Time; f != "" && t != "" && f != t {
			return fmt.Errorf("decode: time.field is %q and tags.time is %q: keep one of them", f, t)
		}
		return c.validateTags()
	case "csv":
		return c.validateCSV()
	}
	return c.validateRaw()
}

func (c Config) validateChannels() error {
	if len(c.Channels) == 0 {
		return fmt.Errorf("decode: no channels: list at least one, as in channels: [{name: temperature, path: readings.temp_c}]")
	}
	if len(c.Channels) > MaxChannels {
		return fmt.Errorf("decode: %d channels: at most %d are supported", len(c.Channels), MaxChannels)
	}
	seen := make(map[string]int, len(c.Channels))
	for k, ch := range c.Channels {
		if ch.Name == "" {
			return fmt.Errorf("decode: channel %d (path %q) has no name: give it one", k, ch.Path)
		}
		if !utf8.ValidString(ch.Name) || strings.ContainsFunc(ch.Name, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			return fmt.Errorf("decode: the name of channel %d, %q, is not plain UTF-8 text: rename it and give the field as its path", k, ch.Name)
		}
		if first, ok := seen[ch.Name]; ok {
			return fmt.Errorf("decode: channels %d and %d are both named %q: names must differ, rename one and keep its path", first, k, ch.Name)
		}
		seen[ch.Name] = k
	}
	return nil
}

// typed says that records carry the types of their values.
func (c Config) typed() bool { return c.Format == "avro" || c.Format == "protobuf" }

// layouts says that times may be texts.
func (c Config) layouts() bool {
	return c.Format == "json" || c.Format == "csv" || c.Format == "log" || c.typed()
}

func (c Config) validatePaths() error {
	if c.Array != "" {
		for k, ch := range c.Channels {
			if ch.Path != "" {
				return fmt.Errorf("decode: channel %q (%d) has the path %q although array is %q: remove one of them", ch.Name, k, ch.Path, c.Array)
			}
		}
		if _, err := parsePath(c.Array); err != nil {
			return fmt.Errorf("decode: array: %w", err)
		}
	} else {
		for k, ch := range c.Channels {
			if _, err := parsePath(c.path(k)); err != nil {
				return fmt.Errorf("decode: channel %q: %w", ch.Name, err)
			}
		}
	}
	return c.validateFields()
}

func (c Config) validateFields() error {
	if c.Time.Field != "" {
		if _, err := parsePath(c.Time.Field); err != nil {
			return fmt.Errorf("decode: time field: %w", err)
		}
	}
	for _, k := range c.whereKeys() {
		if _, err := parsePath(k); err != nil {
			return fmt.Errorf("decode: where: %w", err)
		}
	}
	return nil
}

func (c Config) validateTags() error {
	if _, err := parsePath(c.Tags.Tag); err != nil {
		return fmt.Errorf("decode: tags.tag: %w", err)
	}
	if _, err := parsePath(c.Tags.Value); err != nil {
		return fmt.Errorf("decode: tags.value: %w", err)
	}
	if c.Tags.Tag == c.Tags.Value {
		return fmt.Errorf("decode: tags.tag and tags.value are both %q: name the field of the tag's name and the field of its value", c.Tags.Tag)
	}
	if c.Tags.Tick < 0 {
		return fmt.Errorf("decode: tags.tick is %d: give the length of a tick in milliseconds, or 0 for equal times", c.Tags.Tick)
	}
	seen := make(map[string]string, len(c.Channels))
	for k, ch := range c.Channels {
		tag := c.path(k)
		if other, ok := seen[tag]; ok {
			return fmt.Errorf("decode: channels %q and %q both take the tag %q: a tag is one channel, remove one", other, ch.Name, tag)
		}
		seen[tag] = ch.Name
	}
	return c.validateFields()
}

func (c Config) validateRaw() error {
	for _, ch := range c.Channels {
		if ch.Path != "" {
			return fmt.Errorf("decode: channel %q has the path %q, but %s records have no fields: remove it, channels are the values in order", ch.Name, ch.Path, c.Format)
		}
	}
	if c.Time.Field != "" {
		return fmt.Errorf("decode: time field %q, but %s records have no fields: remove it, the record's timestamp is used", c.Time.Field, c.Format)
	}
	if len(c.Where) > 0 {
		return fmt.Errorf("decode: where with format %s: its records have no fields to compare, remove it", c.Format)
	}
	return nil
}
