package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"phasor/snapshot"
)

// meaning adds what is wrong with values that could be read.
func (k *configChecker) meaning(c *Config, role string) {
	broken := len(k.found) > 0
	if k.places["store"] != nil || c.Store == "" {
		if err := snapshot.CheckAddress(c.Store); err != nil {
			k.key("store", "error", err.Error())
		}
	}
	k.meaningOfKafka(c, role)
	whole := *c
	whole.Sketches = nil
	k.mend("", reflect.ValueOf(&whole), func() error {
		return whole.validate(func(*SketchConfig) error { return nil })
	}, broken)
	if len(c.Sketches) == 0 && role != "serve" && k.places["sketches"] == nil {
		k.key("sketches", "error", "no sketch is configured: list at least one under sketches, with its topics and channels")
	}
	names := map[string]bool{}
	for i := range c.Sketches {
		at := fmt.Sprintf("sketches[%d]", i)
		s := c.Sketches[i]
		k.mend(at, reflect.ValueOf(&s), func() error {
			d := s.withDefaults()
			if role == "trainer" || role == "serve" {
				if d.Name == "" {
					return fmt.Errorf("name: a sketch has no name: give it one, or its topics")
				}
				return d.validateFit()
			}
			return d.Validate()
		}, broken)
		name := c.Sketches[i].withDefaults().Name
		if names[name] && name != "" {
			k.key(at+".name", "error", fmt.Sprintf("two sketches are named %q: names must differ, for they name the objects in the store", name))
		}
		names[name] = true
	}
}

// meaningOfKafka asks for brokers only where the role cannot do without.
func (k *configChecker) meaningOfKafka(c *Config, role string) {
	if role == "trainer" || role == "serve" {
		return
	}
	kafka := c.Kafka
	if len(kafka.Brokers) == 0 {
		if role == "sketcher" {
			k.key("kafka.brokers", "error", `no brokers: name at least one as host:port, or use "phasor run" for an embedded Kafka`)
		}
		kafka.Brokers = []string{"localhost:9092"}
	}
	if err := kafka.Validate(); err != nil {
		for line := range strings.Lines(err.Error()) {
			text := strings.TrimPrefix(strings.TrimSpace(line), "kafka: ")
			key, _, _ := strings.Cut(text, ":")
			k.key("kafka."+key, "error", "kafka."+text)
		}
	}
}

// mend adds the error that validate returns, puts the default in the place of the value that it is about, and goes on
// until nothing is wrong any more or it cannot be told what to mend.
func (k *configChecker) mend(at string, v reflect.Value, validate func() error, broken bool) {
	for range 50 {
		err := validate()
		if err == nil {
			return
		}
		text := inner.ReplaceAllString(err.Error(), "")
		key := k.about(at, text, v.Elem())
		place := strings.TrimPrefix(at+"."+key, ".")
		if n := k.places[place]; n == nil || key == "" {
			if !broken { // A value that could not be read may be what is missing.
				k.key(place, "error", text)
			}
			return
		}
		n := k.nearest(place).GetToken().Position
		if !k.at[fmt.Sprintf("%d:%d", n.Line, n.Column)] && !k.broken[place] {
			k.key(place, "error", text)
		}
		if !reset(v.Elem(), key) {
			return
		}
	}
}

// inner is what the parts of the program put before their errors.
var inner = regexp.MustCompile(`^(sketch "(?:[^"\\]|\\.)*": )?((decode|trainer|sketcher): )?`)

// The words by which errors name keys that they do not write out.
var words = []struct{ word, key string }{
	{"unknown format", "format"}, {"time unit", "time.unit"}, {"time layout", "time.unit"}, {"time field", "time.field"}, {"a tags section", "tags"}, {"a csv section", "csv"},
	{"a log section", "log"}, {"a window without", "window"}, {"the log pattern", "log.pattern"}, {"no topics", "topics"}, {"no channels", "channels"},
	{"fit.horizon is", "fit.horizon"}, {"array", "array"}, {"where", "where"}, {"windows of", "window.lags"},
}

var channelWord = regexp.MustCompile(`channels? (?:"((?:[^"\\]|\\.)*)"|(\d+)(?: and (\d+))?)`)

// about is the key that an error is about, below a section: the first one that it writes out, or that its words mean.
func (k *configChecker) about(at, text string, v reflect.Value) string {
	key, first := "", len(text)
	for place := range k.places {
		rest, ok := strings.CutPrefix(place, at)
		rest = strings.TrimPrefix(rest, ".")
		if !ok || rest == "" || strings.Contains(rest, "[") {
			continue
		}
		for i := indexWord(text, rest); i >= 0 && (i < first || i == first && len(rest) > len(key)); {
			key, first = rest, i
		}
	}
	for _, w := range words {
		if i := strings.Index(text, w.word); i >= 0 && i <= first && k.nearest(at+"."+w.key) != nil && k.places[strings.TrimPrefix(at+"."+w.key, ".")] != nil {
			key, first = w.key, i
		}
	}
	m := channelWord.FindStringSubmatchIndex(text)
	if m == nil || m[0] > first {
		return key
	}
	i := -1
	if m[2] >= 0 {
		name, _ := strconv.Unquote(`"` + text[m[2]:m[3]] + `"`)
		if s, ok := v.Addr().Interface().(*SketchConfig); ok {
			for j, ch := range s.Channels {
				if ch.Name == name {
					i = j
				}
			}
		}
	} else {
		end := m[5]
		begin := m[4]
		if m[6] >= 0 {
			begin, end = m[6], m[7]
		}
		i, _ = strconv.Atoi(text[begin:end])
	}
	if i < 0 {
		return key
	}
	return fmt.Sprintf("channels[%d]", i)
}

// indexWord finds a key that is not part of a longer word.
func indexWord(text, word string) int {
	part := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] == '_' || text[i] >= 'a' && text[i] <= 'z' || text[i] >= '0' && text[i] <= '9')
	}
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if !part(i-1) && !part(i+len(word)) && !(i > 0 && text[i-1] == '.') {
			return i
		}
		from = i + 1
	}
}

// reset gives the value of a key its default.
func reset(v reflect.Value, key string) bool {
	if s, ok := v.Addr().Interface().(*SketchConfig); ok && strings.HasPrefix(key, "channels[") {
		i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(key, "channels["), "]"))
		if err != nil || i >= len(s.Channels) || len(s.Channels) == 1 {
			return false
		}
		s.Channels = slices.Delete(slices.Clone(s.Channels), i, i+1)
		return len(s.Channels) > 0
	}
	def := reflect.ValueOf(defaultConfig())
	head, rest, more := strings.Cut(key, ".")
	fields := map[string]reflect.Value{}
	keysOf(v, fields)
	field, ok := fields[head]
	if !ok {
		return false
	}
	if more && field.Kind() == reflect.Struct {
		return reset(field, rest)
	}
	zero := reflect.Zero(field.Type())
	for _, d := range []reflect.Value{def, def.FieldByName("Snapshot"), def.FieldByName("Serve"), def.FieldByName("Embedded"), def.FieldByName("Log"), def.FieldByName("Idle")} {
		if d.Type() == v.Type() {
			values := map[string]reflect.Value{}
			keysOf(d, values)
			zero = values[head]
		}
	}
	if reflect.DeepEqual(field.Interface(), zero.Interface()) {
		return false
	}
	field.Set(zero)
	return true
}
