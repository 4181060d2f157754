package decode

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// DefaultMaxBytes bounds a record when Config.MaxBytes is 0.
const DefaultMaxBytes = 1 << 20

// MaxChannels bounds the number of channels.
const MaxChannels = 1 << 14

// Formats lists the known formats.
func Formats() []string {
	return []string{"json", "csv", "float32", "float64", "tags", "log", "avro", "protobuf"}
}

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
	// Array is the path of an array (of json, avro and protobuf) whose elements are
	// the channels, in order; "$" is the whole record. Channels then have no paths.
	Array    string   `yaml:"array" json:"array,omitempty"`
	CSV      CSV      `yaml:"csv" json:"csv,omitzero"`
	Tags     Tags     `yaml:"tags" json:"tags,omitzero"`
	Log      Log      `yaml:"log" json:"log,omitzero"`
	Avro     Avro     `yaml:"avro" json:"avro,omitzero"`
	Protobuf Protobuf `yaml:"protobuf" json:"protobuf,omitzero"`
	// Window makes vectors of the last values of the channels.
	Window Window `yaml:"window" json:"window,omitzero"`
}

// Channel is one element of the vector.
type Channel struct {
	Name string `yaml:"name" json:"name"`
	// Path is where the value is: a path of json, avro and protobuf, a column of csv, the tag's
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
	// Unit is one of Units, or but for the raw formats and tags a layout such as
	// "%d/%m/%Y %H:%M:%S", syslog, log4j, clf, or auto, which knows the layouts
	// of many logs. Empty means ms, and auto in the format log. Fractions below a
	// millisecond are cut off. A type of avro or protobuf that is a time has its own
	// unit.
	Unit string `yaml:"unit" json:"unit,omitempty"`
	// Zone is the offset from UTC, such as +05:30, of layouts without a zone.
	Zone string `yaml:"zone" json:"zone,omitempty"`
	// Year is that of layouts without one. By default it is the year that brings
	// the time nearest to the record's timestamp; without a timestamp, 1972.
	Year int `yaml:"year" json:"year,omitempty"`
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
	// Nulls lists cells that mean an absent value, beside the empty one.
	Nulls []string `yaml:"nulls" json:"nulls,omitempty"`
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
	if c.Format == "log" {
		c = c.logDefaults()
	}
	if c.Time.Field == "" {
		c.Time.Unit = ""
	} else if c.Time.Unit == "" {
		c.Time.Unit = "ms"
		if c.Format == "log" {
			c.Time.Unit = "auto"
		}
	}
	if c.Window.Lags != 0 {
		if c.Window.Stride == 0 {
			c.Window.Stride = 1
		}
		if c.Window.Keys == 0 {
			c.Window.Keys = defaultKeys
		}
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

// Names returns the names of the vectors' elements.
func (c Config) Names() []string {
	v := c.Vector()
	names := make([]string, len(v))
	for i, ch := range v {
		names[i] = ch.Name
	}
	return names
}

// EventTime says where the event time comes from.
func (c Config) EventTime() string {
	if c.Format == "log" {
		if c.Log.structured() && c.Time.Field == "" {
			return "field of the logger"
		}
		c = c.withDefaults()
	}
	if c.Time.Field == "" {
		return "timestamp"
	}
	return "field " + c.Time.Field
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
		null := slices.Clone(c.CSV.Nulls)
		slices.Sort(null)
		line("null", slices.Compact(null)...)
	case "tags":
		line("tags", c.Tags.Tag, c.Tags.Value, strconv.FormatInt(c.Tags.Tick, 10))
	case "log":
		l := c.Log
		line("log/1", l.template(), l.Pattern, l.Regexp, l.Level, l.Message, strconv.Itoa(l.Hash), strconv.Itoa(l.Templates), l.Norm, l.Unmatched)
	}
	switch c.Format {
	case "avro":
		line("avro/1", c.Avro.fingerprint()...)
	case "protobuf":
		line("protobuf/1", c.Protobuf.fingerprint()...)
	}
	if isLayout(c.Time.Unit) {
		line("clock/1", c.Time.Zone, strconv.Itoa(c.Time.Year))
	}
	if w := c.Window; w.Lags != 0 {
		line("window/1", strconv.Itoa(w.Lags), w.Key, strconv.Itoa(w.Stride), strconv.Itoa(w.Keys))
	}
	return b.String()
}
