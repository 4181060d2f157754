package decode

import "regexp"

// The names under which common loggers write time, level and message into JSON
// and logfmt, as paths, the first that a record has counts: zap, zerolog,
// logrus, slog, Log4j, ECS, Bunyan, Pino, python-json-logger, Google Cloud,
// GELF, Docker and the systemd journal.
var (
	timeKeys = []string{"time", "ts", "timestamp", "@timestamp", "timeMillis", "datetime", "asctime", "eventTime", "instant.epochSecond",
		"__REALTIME_TIMESTAMP", "date"}
	levelKeys = []string{"level", "lvl", "severity", "levelname", `log\.level`, "log.level", "loglevel", "severity_text", "PRIORITY", "@level"}
	textKeys  = []string{"message", "msg", "short_message", "event", "text", "textPayload", "@message", "log", "MESSAGE", "body"}
)

// place says which fields serve which purpose.
func (l *logDecoder) place(c Config) error {
	fields := c
	fields.Channels = nil
	if l.guessed {
		fields.Time = Time{}
	}
	at := func(path string) *target { return &l.nodes[l.at(path)].target }
	switch {
	case c.Log.Pattern == "json":
	case c.Log.Pattern == "logfmt":
		l.names = map[string]*target{}
		at = func(path string) *target {
			name := plainName(path)
			t := l.names[name]
			if t == nil {
				t = &target{}
				l.names[name] = t
			}
			return t
		}
	default:
		if err := l.placeText(&c); err != nil {
			return err
		}
		at = l.fieldNamed(c.Log)
	}
	for k := range c.Channels {
		if l.features[k].kind == 0 {
			t := at(c.path(k))
			t.channels = append(t.channels, int32(k))
		}
	}
	if fields.Time.Field != "" && l.own == nil {
		l.timeField(at(fields.Time.Field))
	}
	for w, key := range c.whereKeys() {
		t := at(key)
		t.where = append(t.where, uint8(w))
	}
	if c.Window.field() {
		t := at(c.Window.Key)
		t.wishes = append(t.wishes, wish{keepKey, 1})
	}
	l.roles(c.Log, at)
	if c.Log.Pattern == "json" {
		l.compile()
	}
	for _, t := range l.names {
		t.settle()
	}
	return nil
}

// roles places level, message and the guessed time.
func (l *logDecoder) roles(c Log, at func(string) *target) {
	role := func(what uint8, name string, usual []string) {
		if name != "" {
			usual = []string{name}
		} else if !c.structured() {
			return
		}
		for i, name := range usual {
			t := at(name)
			t.wishes = append(t.wishes, wish{what, uint8(i + 1)})
		}
	}
	if l.wants.level {
		role(keepLevel, c.Level, levelKeys)
	}
	if l.wants.features {
		role(keepMessage, c.Message, textKeys)
	}
	if l.guessed {
		role(keepTime, "", timeKeys)
	}
}

// placeText compiles the pattern or regexp of lines without structure.
func (l *logDecoder) placeText(c *Config) (err error) {
	switch {
	case c.Log.Regexp != "":
		l.re, err = regexp.Compile(c.Log.Regexp)
		if err == nil {
			l.targets = make([]target, l.re.NumSubexp()+1)
		}
	case c.Log.Pattern != "":
		l.pattern, err = parseLine(c.Log.template(), c.Time.Field)
		if err == nil {
			l.targets = make([]target, len(l.pattern.fields))
			if l.pattern.clock >= 0 {
				if l.own = l.clock; l.own == nil {
					l.pattern.clock = -1 // One of Units: the text is that of any field.
				}
				l.clock = nil
			}
		}
	}
	return err
}

// fieldNamed returns the targets of the fields of a pattern or regexp.
func (l *logDecoder) fieldNamed(c Log) func(string) *target {
	fields, _ := c.fields() // Config.Validate has read them.
	return func(name string) *target {
		for i := range fields {
			if fields[i].name == name {
				return &l.targets[i]
			}
		}
		panic("decode: no field " + name) // Config.Validate has looked it up.
	}
}

// plainName drops the backslashes of a path that is one name.
func plainName(path string) string {
	if names, err := parsePath(path); err == nil && len(names) == 1 {
		return names[0]
	}
	return path
}

// split finds the fields of a line and gives them to their targets. It returns
// false for a line that does not match.
func (l *logDecoder) split(b []byte, now int64) bool {
	switch {
	case l.names != nil:
		return l.splitLogfmt(b)
	case l.re != nil:
		at := l.re.FindSubmatchIndex(b)
		if at == nil {
			return false
		}
		for i := range l.targets {
			if at[2*i] >= 0 {
				l.field(&l.targets[i], b[at[2*i]:at[2*i+1]])
			}
		}
	case l.pattern != nil:
		ms, ok := l.pattern.match(b, l.own, now)
		if !ok {
			return false
		}
		if l.own != nil {
			l.timestamp(ms, true)
		}
		for i := range l.targets {
			f := &l.pattern.fields[i]
			l.field(&l.targets[i], b[f.start:f.end])
		}
	}
	return true
}

// field gives a text to its purposes. A channel's text is a number; none, and a
// single dash, is a missing value.
func (l *logDecoder) field(t *target, text []byte) {
	if t.empty() {
		return
	}
	if len(t.channels) > 0 {
		v, ok := parseCell(text, '.')
		how := present
		if len(text) == 0 || len(text) == 1 && text[0] == '-' {
			how = null
		} else if !ok {
			how = wrong
		}
		l.set(t, v, how)
	}
	if t.time {
		if l.unit.textual() {
			l.timestamp(l.unit.text(text))
		} else {
			l.timestamp(l.unit.number(text))
		}
	}
	l.compare(t, text)
}

// splitLogfmt reads words that are name=value, where the value may be a JSON
// string, or a name alone. A line without any name=value does not match.
func (l *logDecoder) splitLogfmt(b []byte) bool {
	found := false
	for i := 0; i < len(b); {
		if b[i] <= ' ' {
			i++
			continue
		}
		start := i
		for i < len(b) && b[i] > ' ' && b[i] != '=' {
			if b[i] == '"' {
				return false
			}
			i++
		}
		name := b[start:i]
		if i == len(b) || b[i] != '=' {
			continue
		}
		if len(name) == 0 {
			return false
		}
		i++
		t := l.names[string(name)]
		if i < len(b) && b[i] == '"' {
			next, escaped := quoted(b, i)
			if next < 0 || next < len(b) && b[next] > ' ' {
				return false
			}
			text := b[i+1 : next-1]
			if t != nil && escaped {
				l.scratch = unescape(l.scratch[:0], text)
				text = l.scratch
			}
			if t != nil {
				l.forget(t) // Of equal names the last one counts.
				l.field(t, text)
			}
			i, found = next, true
			continue
		}
		start = i
		for i < len(b) && b[i] > ' ' {
			i++
		}
		if t != nil {
			l.forget(t)
			l.field(t, b[start:i])
		}
		found = true
	}
	return found
}
