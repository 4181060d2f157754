package main

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// print writes the configuration as YAML that reads back to the same one, with every default filled in. What may be a
// secret is written as "(redacted)".
func (c *Config) print(w io.Writer) error {
	b, err := yaml.MarshalWithOptions(c.effective().tree(), yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// printJSON writes the same as one line of JSON.
func (c *Config) printJSON(w io.Writer) error { return printJSON(w, jsonTree(c.effective().tree())) }

// effective returns a copy with the defaults of every part.
func (c *Config) effective() *Config {
	e := *c
	e.Kafka = e.Kafka.WithDefaults()
	e.Sketches = slices.Clone(e.Sketches)
	for i, s := range e.Sketches {
		s = s.withDefaults()
		s.Config = s.Config.WithDefaults()
		e.Sketches[i] = s
	}
	return &e
}

// tree is the configuration in the order of its keys, without what is empty.
func (c *Config) tree() yaml.MapSlice {
	def := defaultConfig()
	return section(reflect.ValueOf(*c), reflect.ValueOf(def))
}

// section lists the keys of a struct. An empty value whose default is empty too is left out: the key does not need it.
func section(v, def reflect.Value) yaml.MapSlice {
	m := yaml.MapSlice{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		value, d := v.Field(i), reflect.Zero(field.Type)
		if def.IsValid() {
			d = def.Field(i)
		}
		switch {
		case !field.IsExported() || key == "-":
		case strings.Contains(options, "inline"):
			m = append(m, section(value, d)...)
		case empty(value) && empty(d):
		default:
			m = append(m, yaml.MapItem{Key: cmp.Or(key, strings.ToLower(field.Name)), Value: written(key, value, d)})
		}
	}
	return m
}

// empty says that a value says nothing. Numbers and switches always say something.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return v.IsZero()
	case reflect.Func, reflect.Chan:
		return true
	}
	return false
}

// written is a value as it stands in the file.
func written(key string, v, def reflect.Value) any {
	if t, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Pointer {
		if b, err := t.MarshalText(); err == nil {
			return redact(key, string(b))
		}
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return written(key, v.Elem(), reflect.Value{})
	case reflect.Struct:
		if def.Kind() != reflect.Struct {
			def = reflect.Value{}
		}
		return section(v, def)
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = written(key, v.Index(i), reflect.Value{})
		}
		return list
	case reflect.Map:
		m := yaml.MapSlice{}
		for _, k := range v.MapKeys() {
			name, kind := fmt.Sprint(k.Interface()), ""
			if key != "where" { // Whose keys are fields of records.
				kind = name
			}
			m = append(m, yaml.MapItem{Key: name, Value: written(kind, v.MapIndex(k), reflect.Value{})})
		}
		slices.SortFunc(m, func(a, b yaml.MapItem) int { return strings.Compare(a.Key.(string), b.Key.(string)) })
		return m
	case reflect.String:
		return redact(key, v.String())
	}
	return v.Interface()
}

// plainParameters are those of a store's address that hold no secret. Any other one may.
var plainParameters = []string{"endpoint", "region", "profile", "credentials_file", "path_style", "anonymous", "single_writer", "prefix", "domain", "protocol", "storage_account"}

const redacted = "(redacted)"

var secretName = regexp.MustCompile(`(?i)(password|passwd|secret|token|credential|signature|api_?key|access_?key|authorization)`)

// redact hides what a configuration must not hold and may hold all the same: passwords under keys of that name, and in
// addresses. Names of files are no secrets.
func redact(key, text string) string {
	if text == "" {
		return text
	}
	if secretName.MatchString(key) && !strings.HasSuffix(key, "_file") {
		return redacted
	}
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		if strings.Contains(text, "@") {
			return redacted // It cannot be used, and seems to have a user in it.
		}
		return text
	}
	changed := u.User != nil
	if changed {
		u.User = url.User("redacted")
	}
	query := u.Query()
	for name := range query {
		shown := redact(name, query.Get(name))
		if !slices.Contains(plainParameters, name) {
			shown = "redacted"
		}
		if shown != query.Get(name) {
			query.Set(name, shown)
			changed = true
		}
	}
	if !changed {
		return text
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// jsonTree makes the ordered sections what encoding/json writes in their order.
func jsonTree(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		return keyed(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = jsonTree(v[i])
		}
		return list
	}
	return v
}

// keyed is an object of JSON whose keys keep their order.
type keyed yaml.MapSlice

// MarshalJSON implements json.Marshaler.
func (o keyed) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, item := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, fmt.Sprint(item.Key)), ':')
		v, err := json.Marshal(jsonTree(item.Value))
		if err != nil {
			return nil, err
		}
		b = append(b, v...)
	}
	return append(b, '}'), nil
}
