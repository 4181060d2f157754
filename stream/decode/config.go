package decode

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DefaultMaxBytes bounds a record when Config.MaxBytes is 0.
const DefaultMaxBytes = 1 << 20

// MaxChannels bounds the number of channels.
const MaxChannels = 1 << 16

// Formats lists the known formats.
func Formats() []string { return []string{"json", "csv", "float32", "float64", "tags"} }

// Config describes how records become vectors. The zero value of every field
// but Channels is usable; Format then means json.
type Config struct {
	// Format is one of Formats.
	Format string `yaml:"format" json:"format,omitempty"`
	// Channels are the vector's elements, in order.
	Channels []Channel `yaml:"channels" json:"channels,omitempty"`
	// Time says where the event time is; by default it is the record's timestamp.
	Time Time `yaml:"time" json:"time,omitzero"`
	// Where names fields (paths, or columns of csv) that must equal a text for a
	// record to count. Numbers and booleans are compared as they are written.
	Where map[string]string `yaml:"where" json:"where,omitempty"`
	// Missing is "reject" (the default) or "last".
	Missing string `yaml:"missing" json:"missing,omitempty"`
	// MaxBytes rejects longer records as oversize; 0 is DefaultMaxBytes.
	MaxBytes int `yaml:"max_bytes" json:"max_bytes,omitempty"`
	// NumericStrings takes "1.5" for 1.5 in JSON; without it such a channel has
	// the wrong type.
	NumericStrings bool `yaml:"numeric_strings" json:"numeric_strings,omitempty"`
	// Booleans takes true for 1 and false for 0.
	Booleans bool `yaml:"booleans" json:"booleans,omitempty"`
	// Array is the path of a JSON array whose elements are the channels, in
	// order; "$" is the whole record. Channels then have no paths.
	Array string `yaml:"array" json:"array,omitempty"`
	CSV   CSV    `yaml:"csv" json:"csv,omitzero"`
	Tags  Tags   `yaml:"tags" json:"tags,omitzero"`
}

// Channel is one element of the vector.
type Channel struct {
	Name string `yaml:"name" json:"name"`
	// Path is where the value is: a path of JSON, a column of csv, the tag's
	// name in the tags format. Empty means Name.
	Path string `yaml:"path" json:"path,omitempty"`
	// Transform is kept here for calibration ("identity", "log1p", "asinh",
	// "auto"); decoding does not apply it.
	Transform string `yaml:"transform" json:"transform,omitempty"`
}

// Time names the field of the event time.
type Time struct {
	// Field is a path (or csv column); empty means the record's timestamp.
	Field string `yaml:"field" json:"field,omitempty"`
	// Unit is one of Units; empty means ms. Fractions below a millisecond are
	// cut off.
	Unit string `yaml:"unit" json:"unit,omitempty"`
}

// CSV describes rows.
type CSV struct {
	// Delimiter is one ASCII character; empty means a comma.
	Delimiter string `yaml:"delimiter" json:"delimiter,omitempty"`
	// Header names the columns in order; rows must have as many cells. Without
	// it a path is a column's number from 0, and without any path or field the
	// columns are the channels in order.
	Header []string `yaml:"header" json:"header,omitempty"`
	// Decimal is "." (the default) or ",".
	Decimal string `yaml:"decimal" json:"decimal,omitempty"`
	// Null lists cells that mean an absent value, beside the empty one.
	Null []string `yaml:"null" json:"null,omitempty"`
}

// Tags describes long records: JSON objects that hold one value of one tag.
type Tags struct {
	// Tag, Value and Time are paths; empty means "tag", "value" and Time.Field
	// of the Config, or the record's timestamp when that is empty too.
	Tag   string `yaml:"tag" json:"tag,omitempty"`
	Value string `yaml:"value" json:"value,omitempty"`
	Time  string `yaml:"time" json:"time,omitempty"`
	// Tick is the length of a tick in milliseconds: times are rounded down to
	// a multiple of it. 0 means that only equal times belong together.
	Tick int64 `yaml:"tick" json:"tick,omitempty"`
}

func (c Config) withDefaults() Config {
	if c.Format == "" {
		c.Format = "json"
	}
	if c.Missing == "" {
		c.Missing = "reject"
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Format == "tags" {
		if c.Tags.Tag == "" {
			c.Tags.Tag = "tag"
		}
		if c.Tags.Value == "" {
			c.Tags.Value = "value"
		}
		if c.Tags.Time == "" {
			c.Tags.Time = c.Time.Field
		}
		c.Time.Field = c.Tags.Time
	}
	if c.Time.Field == "" {
		c.Time.Unit = ""
	} else if c.Time.Unit == "" {
		c.Time.Unit = "ms"
	}
	if c.Format == "csv" {
		if c.CSV.Delimiter == "" {
			c.CSV.Delimiter = ","
		}
		if c.CSV.Decimal == "" {
			c.CSV.Decimal = "."
		}
	}
	return c
}

// Names returns the channels' names.
func (c Config) Names() []string {
	names := make([]string, len(c.Channels))
	for i, ch := range c.Channels {
		names[i] = ch.Name
	}
	return names
}

// path is where channel k is found.
func (c Config) path(k int) string {
	if p := c.Channels[k].Path; p != "" {
		return p
	}
	return c.Channels[k].Name
}

func (c Config) whereKeys() []string {
	keys := make([]string, 0, len(c.Where))
	for k := range c.Where {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

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
	if given.Time.Unit != "" && !slices.Contains(Units(), given.Time.Unit) {
		return fmt.Errorf("decode: unknown time unit %q: use one of %s", given.Time.Unit, strings.Join(Units(), ", "))
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
	if c.Array != "" && c.Format != "json" {
		return fmt.Errorf("decode: array %q with format %s: an array of channels needs format json", c.Array, c.Format)
	}
	if c.Format != "tags" && given.Tags != (Tags{}) {
		return fmt.Errorf("decode: a tags section with format %s: set format: tags or remove the section", c.Format)
	}
	if c.Format != "csv" && (given.CSV.Delimiter != "" || given.CSV.Decimal != "" || len(given.CSV.Header)+len(given.CSV.Null) > 0) {
		return fmt.Errorf("decode: a csv section with format %s: set format: csv or remove the section", c.Format)
	}
	switch c.Format {
	case "json":
		return c.validateJSON()
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

func (c Config) validateJSON() error {
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

// Fingerprint returns a canonical text of everything that decides how records
// are decoded: two configs with equal texts decode alike. Transforms are not in
// it, for they act after decoding.
func (c Config) Fingerprint() string {
	c = c.withDefaults()
	var b strings.Builder
	line := func(key string, values ...string) {
		b.WriteString(key)
		for _, v := range values {
			b.WriteByte(' ')
			b.WriteString(strconv.Quote(v))
		}
		b.WriteByte('\n')
	}
	line("decode/1", c.Format)
	for k, ch := range c.Channels {
		if c.Array != "" {
			line("channel", ch.Name)
		} else {
			line("channel", ch.Name, c.path(k))
		}
	}
	line("array", c.Array)
	line("time", c.Time.Field, c.Time.Unit)
	for _, k := range c.whereKeys() {
		line("where", k, c.Where[k])
	}
	line("missing", c.Missing)
	line("max_bytes", strconv.Itoa(c.MaxBytes))
	line("numeric_strings", strconv.FormatBool(c.NumericStrings))
	line("booleans", strconv.FormatBool(c.Booleans))
	switch c.Format {
	case "csv":
		line("csv", c.CSV.Delimiter, c.CSV.Decimal)
		line("header", c.CSV.Header...)
		null := slices.Clone(c.CSV.Null)
		slices.Sort(null)
		line("null", slices.Compact(null)...)
	case "tags":
		line("tags", c.Tags.Tag, c.Tags.Value, strconv.FormatInt(c.Tags.Tick, 10))
	}
	return b.String()
}
