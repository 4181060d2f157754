package kafka

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Secret is a string that shows itself to nobody but Reveal: every way of printing, logging or encoding it gives a
// placeholder.
type Secret string

const redacted = "(redacted)"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string { return redacted }

// GoString is what %#v prints.
func (s Secret) GoString() string { return redacted }

// Format keeps every verb of package fmt from the bytes.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is what log/slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is what the encoders of JSON and others write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML is what encoders of YAML write.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }

// password finds the password in the order field, file, environment.
func (s *SASL) password() (Secret, error) {
	if s.Password != "" {
		return s.Password, nil
	}
	if s.PasswordFile != "" {
		b, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("kafka: sasl.password_file: %w", err)
		}
		p := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
		if p == "" {
			return "", fmt.Errorf("kafka: sasl.password_file: %s is empty: brokers would refuse the connection", s.PasswordFile)
		}
		return Secret(p), nil
	}
	if p := os.Getenv(PasswordVariable); p != "" {
		return Secret(p), nil
	}
	return "", fmt.Errorf("kafka: sasl: no password for user %q: set kafka.sasl.password_file or the environment variable %s", s.User, PasswordVariable)
}
