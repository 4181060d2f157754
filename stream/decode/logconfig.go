package decode

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"phasor/stream"
)

// Log describes lines of text.
type Log struct {
	// Pattern is one of LogPatterns, or a template of the line in which <name>
	// stands for a text and <name:number> for a number. Without Pattern and
	// Regexp the whole line is the message.
	Pattern string `yaml:"pattern" json:"pattern,omitempty"`
	// Regexp is used instead of a pattern: its named groups are the fields.
	Regexp string `yaml:"regexp" json:"regexp,omitempty"`
	// Level and Message name the fields of the level and of the free text. By
	// default they are those named level and message; in JSON and logfmt, the
	// names that common loggers use.
	Level   string `yaml:"level" json:"level,omitempty"`
	Message string `yaml:"message" json:"message,omitempty"`
	// Hash is the number of channels into which the message's tokens are hashed.
	Hash int `yaml:"hash" json:"hash,omitempty"`
	// Templates is the number of channels of which the one is 1 into which the
	// message's template is hashed, the message without its variable parts.
	Templates int `yaml:"templates" json:"templates,omitempty"`
	// Norm says what becomes of a count of hashed tokens: length (the default),
	// log, counts or unit.
	Norm string `yaml:"norm" json:"norm,omitempty"`
	// Unmatched is reject (the default): lines that do not match count as
	// decode; or skip: they count as filtered.
	Unmatched string `yaml:"unmatched" json:"unmatched,omitempty"`
}

// Norms lists the values of Log.Norm.
func Norms() []string { return []string{"length", "log", "counts", "unit"} }

// Bounds of a log configuration.
const (
	maxPattern   = 4096
	maxBuckets   = 4096
	defaultHash  = 16
	maxLogFields = 64
)

// namedPatterns are the patterns that have names. "json" and "logfmt" have no
// template.
var namedPatterns = []struct{ name, template string }{
	{"json", ""},
	{"logfmt", ""},
	{"bgl", "<label> <epoch> <date> <node> <time> <_> <type> <component> <level> <message>"},
	{"hdfs", "<time> <pid> <level> <component>: <message>"},
	{"apache", "[<time>] [<level>] <message>"},
	{"combined", `<remote> <_> <user> [<time>] "<message>" <status:number> <bytes:number> "<referer>" "<agent>"`},
	{"access", `<remote> <_> <user> [<time>] "<message>" <status:number> <bytes:number>`},
	{"zookeeper", "<time> - <level> [<thread>] - <message>"},
	{"log4j", "<time> <level> [<thread>] <component>: <message>"},
	{"spark", "<time> <level> <component>: <message>"},
	{"syslog", "<time> <host> <process>: <message>"},
	{"timed", "<time> <message>"},
}

// LogPatterns lists the names of patterns, the most specific first.
func LogPatterns() []string {
	var names []string
	for _, p := range namedPatterns {
		names = append(names, p.name)
	}
	return names
}

// template returns the template of the pattern, "" if it has none.
func (l Log) template() string {
	for _, p := range namedPatterns {
		if p.name == l.Pattern {
			return p.template
		}
	}
	return l.Pattern
}

// structured says that the fields have names in the line.
func (l Log) structured() bool { return l.Pattern == "json" || l.Pattern == "logfmt" }

// fields lists the fields of a line, nil if its form does not tell.
func (l Log) fields() ([]lineField, error) {
	switch {
	case l.Regexp != "":
		re, err := regexp.Compile(l.Regexp)
		if err != nil {
			return nil, fmt.Errorf("regexp: %w", err)
		}
		var f []lineField
		for _, name := range re.SubexpNames() {
			if name != "" && slices.ContainsFunc(f, func(other lineField) bool { return other.name == name }) {
				return nil, fmt.Errorf("regexp: the group %q is there twice: rename one", name)
			}
			f = append(f, lineField{name: name})
		}
		return f, nil
	case l.Pattern == "" || l.structured():
		return nil, nil
	}
	p, err := parseLine(l.template(), "")
	if err != nil {
		return nil, err
	}
	return p.fields, nil
}

// logDefaults completes a configuration of format log.
func (c Config) logDefaults() Config {
	l := &c.Log
	fields, _ := l.fields() // Config.Validate reports the error.
	has := func(name string) bool {
		return slices.ContainsFunc(fields, func(f lineField) bool { return f.name == name })
	}
	if c.Time.Field == "" && c.Time.Unit == "" && has("time") {
		c.Time.Field = "time"
	}
	if l.Level == "" && has("level") {
		l.Level = "level"
	}
	if l.Message == "" && has("message") {
		l.Message = "message"
	}
	if l.Norm == "" {
		l.Norm = "length"
	}
	if l.Unmatched == "" {
		l.Unmatched = "reject"
	}
	if len(c.Channels) == 0 {
		for _, f := range fields {
			if f.number {
				c.Channels = append(c.Channels, Channel{Name: f.name})
			}
		}
		if len(c.Channels) == 0 {
			c.Channels = []Channel{{Name: "level", Path: "$level"}, {Name: "length", Path: "$length"}, {Name: "tokens", Path: "$tokens"}}
			if l.Hash == 0 && l.Templates == 0 {
				l.Hash = defaultHash
			}
		}
	}
	c.Channels = appendBuckets(slices.Clip(c.Channels), "hash", l.Hash)
	c.Channels = appendBuckets(c.Channels, "template", l.Templates)
	return c
}

// appendBuckets adds the buckets that are not channels yet.
func appendBuckets(channels []Channel, kind string, n int) []Channel {
	n = min(n, maxBuckets)
	width := len(strconv.Itoa(n - 1))
	for k := range n {
		path := fmt.Sprintf("$%s[%d]", kind, k)
		if !slices.ContainsFunc(channels, func(ch Channel) bool { return ch.Path == path }) {
			channels = append(channels, Channel{Name: fmt.Sprintf("%s%0*d", kind, width, k), Path: path})
		}
	}
	return channels
}

// feature is a channel that is computed from the message.
type feature struct {
	kind   byte // 'v' level, 'l' length, 't' tokens, 'h' hash, 'm' template; 0: a field of the line
	bucket int
}

// parseFeature reads a channel's path, whose feature is of kind 0 unless it
// begins with one of the reserved names.
func (l Log) parseFeature(path string) (feature, error) {
	switch path {
	case "$level":
		return feature{kind: 'v'}, nil
	case "$length":
		return feature{kind: 'l'}, nil
	case "$tokens":
		return feature{kind: 't'}, nil
	}
	for _, b := range []struct {
		prefix string
		kind   byte
		n      int
	}{{"$hash[", 'h', l.Hash}, {"$template[", 'm', l.Templates}} {
		digits, ok := strings.CutPrefix(path, b.prefix)
		if !ok {
			continue
		}
		k := elementIndex(strings.TrimSuffix(digits, "]"))
		if k < 0 || k >= b.n || !strings.HasSuffix(digits, "]") {
			return feature{}, fmt.Errorf("%q is none of the %d buckets, which are counted from 0: see log.hash and log.templates", path, b.n)
		}
		return feature{kind: b.kind, bucket: k}, nil
	}
	return feature{}, nil
}

func (c Config) validateLog() error {
	l := c.Log
	switch {
	case len(l.Pattern) > maxPattern || len(l.Regexp) > maxPattern:
		return fmt.Errorf("decode: log.pattern or log.regexp has more than %d characters: write it shorter", maxPattern)
	case l.Pattern != "" && l.Regexp != "":
		return fmt.Errorf("decode: log.pattern and log.regexp are both set: keep one")
	case l.Hash < 0 || l.Hash > maxBuckets || l.Templates < 0 || l.Templates > maxBuckets:
		return fmt.Errorf("decode: log.hash is %d and log.templates %d: give each from 0 to %d", l.Hash, l.Templates, maxBuckets)
	case !slices.Contains(Norms(), l.Norm):
		return fmt.Errorf("decode: log.norm is %q: use one of %s", l.Norm, strings.Join(Norms(), ", "))
	case l.Unmatched != "reject" && l.Unmatched != "skip":
		return fmt.Errorf("decode: log.unmatched is %q: use reject (lines that do not match count as decode) or skip (they count as filtered)", l.Unmatched)
	case l.Pattern != "" && !l.structured() && !strings.Contains(l.template(), "<"):
		return fmt.Errorf("decode: log.pattern %q is neither a template with <name> in it nor one of %s", l.Pattern, strings.Join(LogPatterns(), ", "))
	}
	fields, err := l.fields()
	if err != nil {
		return fmt.Errorf("decode: log.%w", err)
	}
	if n := len(strings.Split(fieldNames(fields), ", ")); n > maxLogFields {
		return fmt.Errorf("decode: the log pattern names %d fields: at most %d are kept, leave the others without a name", n, maxLogFields)
	}
	known := func(what, name string) error {
		if name == "" {
			return nil
		}
		if l.Pattern == "json" {
			_, err := parsePath(name)
			return wrapIf(err, "decode: %s: %w", what, err)
		}
		if l.Pattern == "logfmt" || slices.ContainsFunc(fields, func(f lineField) bool { return f.name == name }) {
			return nil
		}
		return fmt.Errorf("decode: %s is %q, which is no field of the line: the pattern has %s", what, name, fieldNames(fields))
	}
	uses := [][2]string{{"log.level", l.Level}, {"log.message", l.Message}, {"time.field", c.Time.Field}}
	if c.Window.field() {
		uses = append(uses, [2]string{"window.key", c.Window.Key})
	}
	for _, k := range c.whereKeys() {
		uses = append(uses, [2]string{"where", k})
	}
	for k, ch := range c.Channels {
		f, err := l.parseFeature(c.path(k))
		if err != nil {
			return fmt.Errorf("decode: channel %q: %w", ch.Name, err)
		}
		if f.kind == 0 {
			uses = append(uses, [2]string{fmt.Sprintf("the path of channel %q", ch.Name), c.path(k)})
		}
	}
	for _, u := range uses {
		if err := known(u[0], u[1]); err != nil {
			return err
		}
	}
	return nil
}

func wrapIf(err error, format string, a ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format, a...)
}

func fieldNames(fields []lineField) string {
	var names []string
	for _, f := range fields {
		if f.name != "" {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return "no fields; name them in log.pattern"
	}
	return strings.Join(names, ", ")
}

// CountMatches returns how many of the lines a named pattern matches. In a
// pattern with a level, the field must hold one.
func CountMatches(pattern string, lines [][]byte) int {
	c := Config{Format: "log", Log: Log{Pattern: pattern}, Channels: []Channel{{Name: "level", Path: "$level"}}}
	d, err := New(c)
	if err != nil {
		return 0
	}
	leveled := c.withDefaults().Log.Level != ""
	n := 0
	var x [1]float64
	for _, line := range lines {
		if d.Decode(x[:], &stream.Record{Time: stream.NoTime, Value: line}).Emitted && (!leveled || x[0] > 0) {
			n++
		}
	}
	return n
}
