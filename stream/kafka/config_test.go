package kafka

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestConfigFromYAML(t *testing.T) {
	const text = `
brokers: [kafka-1:9093, kafka-2:9093]
group: g
tls: {ca: ca.pem, server_name: kafka}
sasl: {mechanism: scram-sha-512, user: phasor, password_file: secret}
isolation: read_uncommitted
corrupt: skip
session: 6s
fetch: {max_bytes: 4096, max_wait: 100ms}
`
	var c Config
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(c.Brokers) != 2 || c.TLS.CA != "ca.pem" || c.SASL.User != "phasor" || c.Session != 6*time.Second || c.Fetch.MaxBytes != 4096 {
		t.Errorf("read %+v", c)
	}
	d = yaml.NewDecoder(strings.NewReader("sasl: {password: hunter2}"))
	d.KnownFields(true)
	if err := d.Decode(&c); err == nil {
		t.Error("a password in the file is accepted")
	}
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	good := Config{Brokers: []string{"kafka:9092"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"brokers: none":                    func(c *Config) { c.Brokers = nil },
		"not host:port":                    func(c *Config) { c.Brokers = []string{"kafka"} },
		"isolation":                        func(c *Config) { c.Isolation = "serializable" },
		"corrupt":                          func(c *Config) { c.Corrupt = "ignore" },
		"less than 3 heartbeats":           func(c *Config) { c.Session = 2 * time.Second },
		"only one of cert and key":         func(c *Config) { c.TLS = &TLS{Cert: "x"} },
		"sasl.mechanism":                   func(c *Config) { c.SASL = &SASL{Mechanism: "gssapi", User: "u"} },
		"sasl.user":                        func(c *Config) { c.SASL = &SASL{Mechanism: "plain"} },
		"fetch.max_bytes":                  func(c *Config) { c.Fetch.MaxBytes = 10 },
		"fetch.batch_limit":                func(c *Config) { c.Fetch.BatchLimit = 2000 },
		"fetch.decompression_limit":        func(c *Config) { c.Fetch.DecompressionLimit = -1 },
		"request_timeout: -1s is outside ": func(c *Config) { c.RequestTimeout = -time.Second },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if _, err := New(c); err == nil {
			t.Errorf("%s: New accepts it", want)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "hunter2"
	c := Config{Brokers: []string{"kafka:9092"}, SASL: &SASL{Mechanism: "plain", User: "u", Password: secret}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T %v"} {
		args := []any{*c.SASL}
		if strings.Count(verb, "%") == 2 {
			args = append(args, c.SASL.Password)
		}
		fmt.Fprintf(&out, verb+"\n", args...)
		fmt.Fprintf(&out, verb+"\n", append([]any{c.SASL.Password}, args[1:]...)...)
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "password", c.SASL.Password, "sasl", *c.SASL, "config", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "password", c.SASL.Password, "sasl", c.SASL)
	for _, v := range []any{c, c.SASL, c.SASL.Password} {
		j, err := json.Marshal(v)
		if v, isConfig := v.(Config); isConfig {
			v.Hooks = Hooks{}
			j, err = json.Marshal(v.SASL)
		}
		if err != nil {
			t.Fatal(err)
		}
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(j)
		out.Write(y)
	}
	hexed := fmt.Sprintf("%x", secret)
	if s := out.String(); strings.Contains(s, secret) || strings.Contains(strings.ToLower(s), hexed) {
		t.Errorf("the password is in:\n%s", s)
	}
	if c.SASL.Password.Reveal() != secret {
		t.Error("the password is not what it was")
	}
}

func TestPasswordSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from file \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PasswordVariable, "from environment")
	for want, s := range map[string]SASL{
		"from field":       {Password: "from field", PasswordFile: file},
		"from file ":       {PasswordFile: file},
		"from environment": {},
	} {
		if got, err := s.password(); err != nil || got.Reveal() != want {
			t.Errorf("password %q, %v; want %q", got.Reveal(), err, want)
		}
	}
	t.Setenv(PasswordVariable, "")
	s := SASL{Mechanism: "plain", User: "u"}
	if _, err := s.password(); err == nil || !strings.Contains(err.Error(), PasswordVariable) {
		t.Errorf("no password: %v", err)
	}
	s.PasswordFile = file + ".absent"
	if _, err := New(Config{Brokers: []string{"kafka:9092"}, SASL: &s}); err == nil || !strings.Contains(err.Error(), "password_file") {
		t.Errorf("absent file: %v", err)
	}
}
