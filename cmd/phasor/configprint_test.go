package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"phasor/stream/decode"
	"phasor/stream/kafka"
)

// readBack prints a configuration and reads it again.
func readBack(t *testing.T, c *Config) (*Config, string) {
	t.Helper()
	var b bytes.Buffer
	if err := c.print(&b); err != nil {
		t.Fatal(err)
	}
	read, err := loadConfig(file(t, b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return read.effective(), b.String()
}

func TestPrintedConfigurationReadsBack(t *testing.T) {
	files, err := filepath.Glob("../../deploy/examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	_, help, _ := strings.Cut(configHelp, "error.\n")
	files = append(files, "../../deploy/phasor.yaml", "../../deploy/compose/phasor.yaml", file(t, example), file(t, help), file(t, "kafka: {tls: {}}\nsketches: [{topics: [t], partitions: {t: []}, where: {token: \"\"}}]\n"), file(t, "# Nothing yet.\n"), file(t, ""), "")
	for _, name := range files {
		c, err := loadConfig(name)
		if err != nil {
			t.Fatal(err)
		}
		read, text := readBack(t, &c)
		if diff := cmp.Diff(c.effective(), read, cmp.AllowUnexported(kafka.Hooks{}), cmpopts.IgnoreUnexported(decode.Avro{}, decode.Protobuf{})); diff != "" {
			t.Errorf("%s: %s\n%s", name, diff, text)
		}
	}
}

// Whatever key is given another value than its default, the printed configuration has it.
func TestEveryKeyIsPrinted(t *testing.T) {
	whole, err := loadConfig(file(t, example))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var change func(path string, v reflect.Value)
	try := func(path string, v, other reflect.Value) {
		n++
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.Set(other)
		defer v.Set(old)
		read, text := readBack(t, &whole)
		if diff := cmp.Diff(whole.effective(), read, cmpopts.IgnoreUnexported(decode.Avro{}, decode.Protobuf{})); diff != "" {
			t.Errorf("%s: %s\n%s", path, diff, text)
		}
	}
	change = func(path string, v reflect.Value) {
		switch v.Interface().(type) {
		case Duration:
			try(path, v, reflect.ValueOf(Duration(26*time.Hour)))
			return
		case RunLength:
			try(path, v, reflect.ValueOf(RunLength(90*time.Minute)))
			return
		case time.Duration:
			try(path, v, reflect.ValueOf(1234*time.Millisecond))
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if key, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); key != "-" && (key != "" || options != "") {
					change(path+"."+key, v.Field(i))
				}
			}
		case reflect.Pointer:
			if !v.IsNil() {
				change(path, v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				change(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
			if v.Type().Elem().Kind() == reflect.String {
				try(path, v, reflect.ValueOf([]string{"a: b", "#", ""}).Convert(v.Type()))
			}
		case reflect.String:
			from := "" // Files are found from the folder of the configuration, and printed with their folder.
			if strings.HasSuffix(path, ".schema") || strings.HasSuffix(path, ".descriptors") {
				from = "/"
			}
			try(path, v, reflect.ValueOf(from+"x: 'y' # \"z\"\n1").Convert(v.Type()))
			try(path, v, reflect.ValueOf(from+"yes").Convert(v.Type()))
		case reflect.Bool:
			try(path, v, reflect.ValueOf(!v.Bool()))
		case reflect.Int, reflect.Int64, reflect.Uint64:
			try(path, v, reflect.ValueOf(77).Convert(v.Type()))
		}
	}
	change("", reflect.ValueOf(&whole).Elem())
	if n < 80 {
		t.Errorf("only %d values were changed", n)
	}
}

func TestPrintedConfigurationHasNoSecrets(t *testing.T) {
	const secret = "pa55w0rd"
	c := defaultConfig()
	c.Kafka.SASL = &kafka.SASL{User: "phasor", PasswordFile: "/run/secrets/kafka", Password: secret}
	for _, store := range []string{"s3://user:" + secret + "@bucket/prefix", "s3://bucket?secret_key=" + secret + "&region=x", "s3://%zz:" + secret + "@bucket",
		"s3://bucket?endpoint=http://user:" + secret + "@minio:9000", "s3://bucket?X-Amz-Something=" + secret} {
		c.Store = store
		var yaml, json bytes.Buffer
		if err := c.print(&yaml); err != nil {
			t.Fatal(err)
		}
		if err := c.printJSON(&json); err != nil {
			t.Fatal(err)
		}
		if text := yaml.String() + json.String(); strings.Contains(text, secret) || !strings.Contains(text, "/run/secrets/kafka") || !strings.Contains(text, "redacted") {
			t.Errorf("%s: %s", store, text)
		}
	}
	c.Store = "s3://bucket/prefix?endpoint=http://minio:9000&region=x&credentials_file=/etc/aws"
	if read, text := readBack(t, &c); read.Store != c.Store {
		t.Errorf("what is no secret is hidden: %s", text)
	}
}

// The command merges file, environment and flags as the role does.
func TestConfigPrintMerges(t *testing.T) {
	t.Setenv("PHASOR_STORE", "/of/the/environment")
	t.Setenv("PHASOR_KAFKA_PASSWORD", "pa55w0rd")
	var out, log bytes.Buffer
	args := []string{"config", "print", "--config", file(t, example), "--fit.every", "7m", "--role", "trainer", "--json"}
	if err := run(t.Context(), args, strings.NewReader(""), &out, &log); err != nil {
		t.Fatal(err, log.String())
	}
	if strings.Contains(out.String(), "pa55w0rd") {
		t.Error("the password is printed")
	}
	var c struct {
		Store    string
		Listen   string
		Sketches []struct{ Fit struct{ Every string } }
	}
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if c.Store != "/of/the/environment" || c.Sketches[0].Fit.Every != "7m0s" || c.Listen != "127.0.0.1:9464" {
		t.Errorf("%+v", c)
	}
	out.Reset()
	if err := run(t.Context(), []string{"config", "print", "--config", file(t, example), "--role", "serve"}, strings.NewReader(""), &out, &log); err != nil || !strings.Contains(out.String(), "listen: 127.0.0.1:9466") {
		t.Error(err, out.String())
	}
	if err := run(t.Context(), []string{"config", "print", "--topics", "t"}, strings.NewReader(""), &out, &log); exitCode(err) != 2 {
		t.Errorf("a configuration without channels: %v", err)
	}
}

// A file that says nothing leaves the defaults as they are.
func TestEmptyFileIsTheDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# Nothing yet.\n", "---\n", "null\n"} {
		c, err := loadConfig(file(t, text))
		if diff := cmp.Diff(defaultConfig(), c); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
}
