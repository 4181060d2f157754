package decode

import (
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestYAML reads the configuration as users write it.
func TestYAML(t *testing.T) {
	text := `
format: json
time: {field: ts, unit: ms}
where: {line: "4"}
channels: [{name: temperature, path: readings.temp_c}, {name: pressure, path: readings.p_bar, transform: log1p}]
missing: last
max_bytes: 4096
numeric_strings: true
booleans: true
`
	want := Config{
		Format: "json", Time: Time{Field: "ts", Unit: "ms"}, Where: map[string]string{"line": "4"}, Missing: "last", MaxBytes: 4096,
		Channels:       []Channel{{Name: "temperature", Path: "readings.temp_c"}, {Name: "pressure", Path: "readings.p_bar", Transform: "log1p"}},
		NumericStrings: true, Booleans: true,
	}
	read := func(text string) (c Config) {
		dec := yaml.NewDecoder(strings.NewReader(text))
		dec.KnownFields(true)
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got := read(text); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	d := mustNew(t, want)
	x := make([]float64, 2)
	if r := d.Decode(x, rec(`{"line":4,"ts":1700000000123,"readings":{"temp_c":21.5,"p_bar":"1.013"}}`)); !r.Emitted || r.Time != 1700000000123 || x[0] != 21.5 || x[1] != 1.013 {
		t.Errorf("%+v %v", r, x)
	}
	for _, text := range []string{
		"format: csv\nchannels: [{name: a}]\ncsv: {delimiter: ';', header: [t, a], decimal: ',', nulls: [NA]}\n",
		"format: tags\nchannels: [{name: a, path: TI-101}]\ntags: {tag: id, value: v, time: ts, tick: 1000}\n",
		"format: json\narray: values\nchannels: [{name: a}, {name: b}]\n",
	} {
		if err := read(text).Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
