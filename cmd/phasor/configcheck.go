package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"phasor/stream/kafka"
)

// finding is one thing that is wrong with a file, or that may not be meant.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Level   string `json:"level"` // error or warning.
	Message string `json:"message"`
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Level, f.Message)
}

// configChecker collects what is wrong with one file.
type configChecker struct {
	file   string
	places map[string]ast.Node // Of each key that is written, by its path: sketches[0].panes.length.
	found  []finding
	at     map[string]bool // Places that have an error already.
	broken map[string]bool // Keys whose values could not be read.
	alias  bool            // The file uses anchors or merges: only the whole of it can be read.
}

// checkConfigFile returns all that is wrong with a file for a role, and what may not be meant.
func checkConfigFile(path, role string) []finding {
	k := &configChecker{file: path, places: map[string]ast.Node{}, at: map[string]bool{}, broken: map[string]bool{}}
	b, err := os.ReadFile(path)
	if err != nil {
		k.add(finding{Line: 1, Column: 1}, "error", err.Error())
		return k.found
	}
	f, err := parseYAML(b)
	if err != nil {
		k.yamlError(nil, err)
		return k.found
	}
	c := defaultConfig()
	for _, doc := range f.Docs {
		if _, section := pairsOf(doc.Body); doc.Body != nil && !section && doc.Body.Type() != ast.NullType {
			k.node(doc.Body, "error", "a section of keys and values is wanted here")
			return k.found
		}
		if doc.Body != nil {
			err := calmly(func() error {
				k.read("", doc.Body, reflect.ValueOf(&c).Elem())
				return nil
			})
			if err != nil {
				k.node(doc.Body, "error", err.Error())
				return k.found
			}
		}
	}
	if len(k.found) == 0 || k.alias {
		if c, err = loadConfig(path); err != nil {
			if len(k.found) == 0 {
				k.message("", err)
			}
			return k.found
		}
	}
	k.meaning(&c, role)
	if len(k.found) == 0 {
		k.doubts(c.effective(), role)
	}
	return k.found
}

func (k *configChecker) add(place finding, level, text string) {
	place.File, place.Level, place.Message = k.file, level, text
	if level == "error" {
		k.at[fmt.Sprintf("%d:%d", place.Line, place.Column)] = true
	}
	k.found = append(k.found, place)
}

// node adds a finding at a node of the file, or at its beginning.
func (k *configChecker) node(n ast.Node, level, text string) {
	place := finding{Line: 1, Column: 1}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		p := n.GetToken().Position
		place.Line, place.Column = p.Line, p.Column
	}
	k.add(place, level, text)
}

// key adds a finding at a key, or at the section it would stand in.
func (k *configChecker) key(path, level, text string) {
	k.node(k.nearest(path), level, text)
}

func (k *configChecker) nearest(path string) ast.Node {
	for {
		if n := k.places[path]; n != nil || path == "" {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// placed is an error that says where it is.
var placed = regexp.MustCompile(`^\[(\d+):(\d+)\] (?:[a-z_.\[\]0-9]+: )?(.*)$`)

// message adds an error whose text may begin with its place.
func (k *configChecker) message(path string, err error) {
	text := strings.TrimPrefix(err.Error(), k.file+": ")
	if m := placed.FindStringSubmatch(strings.ReplaceAll(text, "\n", " ")); m != nil {
		line, _ := strconv.Atoi(m[1])
		column, _ := strconv.Atoi(m[2])
		k.add(finding{Line: line, Column: column}, "error", m[3])
		return
	}
	k.key(path, "error", text)
}

// yamlError adds an error of the parser, without the lines of the file.
func (k *configChecker) yamlError(n ast.Node, err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		p := y.GetToken().Position
		k.add(finding{Line: p.Line, Column: p.Column}, "error", y.GetMessage())
		return
	}
	k.node(n, "error", err.Error())
}

// read puts a node into v, value by value, so that one that cannot be read does not hide the others.
func (k *configChecker) read(path string, n ast.Node, v reflect.Value) {
	switch x := n.(type) {
	case *ast.AnchorNode:
		k.alias = true
		k.read(path, x.Value, v)
		return
	case *ast.TagNode:
		k.read(path, x.Value, v)
		return
	case *ast.AliasNode:
		k.alias = true
		return
	case *ast.NullNode:
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case readsItself(v):
		k.leaf(n, v)
	case v.Kind() == reflect.Struct:
		k.readSection(path, n, v)
	case v.Kind() == reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			k.node(n, "error", lastKey(path)+": a list is wanted, as in ["+lastKey(path)+", …]")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
		for i, e := range list.Values {
			at := fmt.Sprintf("%s[%d]", path, i)
			k.places[at] = start(e)
			k.read(at, e, v.Index(i))
		}
	case v.Kind() == reflect.Map:
		pairs, ok := pairsOf(n)
		if !ok {
			k.node(n, "error", lastKey(path)+": a section of keys and values is wanted")
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, p := range pairs {
			value := reflect.New(v.Type().Elem()).Elem()
			k.read(path+"."+keyText(p), p.Value, value)
			v.SetMapIndex(reflect.ValueOf(keyText(p)).Convert(v.Type().Key()), value)
		}
	default:
		k.leaf(n, v)
	}
}

// readsItself says that a type has its own way of reading a node.
func readsItself(v reflect.Value) bool {
	if !v.CanAddr() {
		return false
	}
	switch v.Addr().Interface().(type) {
	case yaml.NodeUnmarshaler, yaml.InterfaceUnmarshaler, yaml.BytesUnmarshaler:
		return true
	}
	return v.Type() == reflect.TypeFor[time.Duration]()
}

// start is where a value begins, which for a section is its first key.
func start(n ast.Node) ast.Node {
	if pairs, ok := pairsOf(n); ok && len(pairs) > 0 {
		return pairs[0].Key
	}
	return n
}

func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func keyText(p *ast.MappingValueNode) string { return p.Key.GetToken().Value }

func lastKey(path string) string {
	path, _, _ = strings.Cut(path[strings.LastIndexByte(path, '.')+1:], "[")
	return path
}

func (k *configChecker) readSection(path string, n ast.Node, v reflect.Value) {
	pairs, ok := pairsOf(n)
	if !ok {
		k.node(n, "error", "a section of keys and values is wanted here")
		return
	}
	fields := map[string]reflect.Value{}
	keysOf(v, fields)
	for _, p := range pairs {
		if _, ok := p.Key.(*ast.MergeKeyNode); ok {
			k.alias = true
			continue
		}
		key := keyText(p)
		at := strings.TrimPrefix(path+"."+key, ".")
		k.places[at] = p.Key
		field, ok := fields[key]
		if !ok {
			k.node(p.Key, "error", unknownKey(key, fields))
			continue
		}
		before := len(k.found)
		k.read(at, p.Value, field)
		k.broken[at] = len(k.found) > before
	}
}

// keysOf lists the fields of a struct by their keys.
func keysOf(v reflect.Value, fields map[string]reflect.Value) {
	for i := range v.NumField() {
		key, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			keysOf(v.Field(i), fields)
		case key != "" && key != "-":
			fields[key] = v.Field(i)
		}
	}
}

func unknownKey(key string, fields map[string]reflect.Value) string {
	text := fmt.Sprintf("unknown field %q", key)
	if key == "password" {
		return text + ": a password is not written here: name its file as kafka.sasl.password_file, or set " + kafka.PasswordVariable
	}
	best, least := "", 3
	for name := range fields {
		if d := distance(key, name); d < least || d == least && d < 3 && name < best {
			best, least = name, d
		}
	}
	if best != "" {
		return text + fmt.Sprintf(": is %q meant?", best)
	}
	return text
}

// distance is the number of letters that must be changed, inserted or deleted to make a of b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := last
			if a[i] != b[j] {
				d++
			}
			last = row[j+1]
			row[j+1] = min(d, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}

// leaf reads a value that has no parts.
func (k *configChecker) leaf(n ast.Node, v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		var d Duration
		if err := unmarshalNode(n, &d); err != nil {
			k.message("", err)
		} else if _, err := time.ParseDuration(n.GetToken().Value); err != nil {
			k.node(n, "error", fmt.Sprintf("duration %q: write it like 500ms, 10s or 1m", n.GetToken().Value))
		} else {
			v.SetInt(int64(d))
		}
		return
	}
	err := yaml.NodeToValue(n, v.Addr().Interface(), yaml.Strict())
	if err == nil {
		return
	}
	if m := placed.FindStringSubmatch(err.Error()); m != nil {
		k.message("", err)
		return
	}
	wanted := map[reflect.Kind]string{reflect.Bool: "true or false", reflect.String: "a text", reflect.Float64: "a number"}[v.Kind()]
	if v.CanInt() || v.CanUint() {
		wanted = "a whole number"
		if v.CanUint() {
			wanted += " that is not negative"
		}
	}
	if wanted == "" {
		k.yamlError(n, err)
		return
	}
	k.node(n, "error", wanted+" is wanted here")
}
