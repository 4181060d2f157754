package serve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// openapi is what the tests need of the document.
type openapi struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Schema  json.RawMessage
				Example json.RawMessage
			}
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
	Components struct{ Schemas map[string]json.RawMessage }
}

func readDocument(t *testing.T) openapi {
	t.Helper()
	var d openapi
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentListsTheRoutes(t *testing.T) {
	s := newServer(t, Config{})
	var have, want []string
	for path, operations := range readDocument(t).Paths {
		for method := range operations {
			have = append(have, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range s.routes {
		want = append(want, r.method+" "+r.path)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the document has %q, the server %q", have, want)
	}
}

// The examples of the document are answered, and both they and the answers have the form that it says; so has a problem.
func TestExamplesAreAnswered(t *testing.T) {
	s, d := newServer(t, Config{}), readDocument(t)
	examples := 0
	for path, operations := range d.Paths {
		for method, op := range operations {
			body := ""
			if request, ok := op.RequestBody.Content["application/json"]; ok {
				body = string(request.Example)
				examples++
				if err := d.conforms(request.Schema, request.Example); err != nil {
					t.Errorf("%s: the example: %v", path, err)
				}
				w := ask(s, strings.ToUpper(method), path, `{"foo":1}`)
				if err := d.conforms(op.Responses["400"].Content["application/problem+json"].Schema, w.Body.Bytes()); err != nil {
					t.Errorf("%s: the problem %s: %v", path, w.Body, err)
				}
			}
			w := ask(s, strings.ToUpper(method), path, body)
			if w.Code != 200 {
				t.Errorf("%s %s: %d %s", path, body, w.Code, w.Body)
				continue
			}
			if err := d.conforms(op.Responses["200"].Content["application/json"].Schema, w.Body.Bytes()); err != nil {
				t.Errorf("%s: the answer %s: %v", path, w.Body, err)
			}
		}
	}
	if examples != 6 {
		t.Errorf("%d examples", examples)
	}
	if err := d.conforms(d.Components.Schemas["Score"], []byte(`{"odd":"x"}`)); err == nil {
		t.Error("the test does not see what is wrong")
	}
}

// conforms checks the part of JSON Schema that the document uses.
func (d openapi) conforms(schema json.RawMessage, value []byte) error {
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	return d.check(schema, v, "$")
}

func (d openapi) check(schema json.RawMessage, v any, at string) error {
	var s struct {
		Ref        string `json:"$ref"`
		Type       any
		OneOf      []json.RawMessage
		Properties map[string]json.RawMessage
		Required   []string
		Additional json.RawMessage `json:"additionalProperties"`
		Items      json.RawMessage
		Enum       []any
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("%s: schema %s: %w", at, schema, err)
	}
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		if d.Components.Schemas[name] == nil {
			return fmt.Errorf("%s: there is no schema %q", at, name)
		}
		return d.check(d.Components.Schemas[name], v, at)
	}
	if s.OneOf != nil {
		matches := 0
		for _, o := range s.OneOf {
			if d.check(o, v, at) == nil {
				matches++
			}
		}
		if matches != 1 {
			return fmt.Errorf("%s: %v matches %d of %d", at, v, matches, len(s.OneOf))
		}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		return fmt.Errorf("%s: %v is none of %v", at, v, s.Enum)
	}
	if !typeFits(s.Type, v) {
		return fmt.Errorf("%s: %v is no %v", at, v, s.Type)
	}
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			if s.Items == nil {
				break
			}
			if err := d.check(s.Items, e, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return fmt.Errorf("%s: %q is missing", at, name)
			}
		}
		for name, e := range v {
			p := s.Properties[name]
			if p == nil {
				if p = s.Additional; string(p) == "false" {
					return fmt.Errorf("%s: %q is not in the schema", at, name)
				}
			}
			if p != nil {
				if err := d.check(p, e, at+"."+name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func typeFits(kind, v any) bool {
	if list, ok := kind.([]any); ok {
		return slices.ContainsFunc(list, func(k any) bool { return typeFits(k, v) })
	}
	switch kind {
	case "number":
		_, ok := v.(float64)
		return ok
	case "integer":
		f, ok := v.(float64)
		return ok && f == float64(int64(f))
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "null":
		return v == nil
	}
	return kind == nil
}
