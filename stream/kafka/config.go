package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Config says how to reach a cluster and how to read it. The zero value of every field but Brokers has a default.
type Config struct {
	// Brokers are the addresses to start from, host:port. One that answers is enough; several survive one that does not.
	Brokers Addresses `yaml:"brokers"`
	// Group is the consumer group (Kafka: group.id). Sketchers of one group share the partitions. Default: phasor.
	Group string `yaml:"group"`
	// ClientID is told to the brokers, for their quotas and logs (Kafka: client.id). Default: phasor.
	ClientID string `yaml:"client_id"`
	// TLS is used if the section is there, even if it is empty.
	TLS *TLS `yaml:"tls"`
	// SASL is used if the section is there.
	SASL *SASL `yaml:"sasl"`
	// Isolation is read_committed (default) or read_uncommitted (Kafka: isolation.level). It decides which records
	// there are, so a state that was made with the one cannot be continued with the other.
	Isolation string `yaml:"isolation"`
	// Corrupt is what happens to a batch that cannot be read: fail (default) stops its partition, skip counts it as lost.
	Corrupt string `yaml:"corrupt"`
	// Fetch bounds what one request may bring.
	Fetch Fetch `yaml:"fetch"`
	// Session is how long the group waits for a member that fell silent (Kafka: session.timeout.ms). Half of it is the
	// time in which a partition must be saved when it is taken away. Default: 10s.
	Session time.Duration `yaml:"session"`
	// Heartbeat is the interval of the signs of life (Kafka: heartbeat.interval.ms). Default: 1s.
	Heartbeat time.Duration `yaml:"heartbeat"`
	// DialTimeout bounds a connection's set-up, with TLS and SASL. Default: 5s.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout bounds a request, beyond the time that it asks the broker to wait (Kafka: request.timeout.ms).
	// Default: 10s.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// Stall is how long a partition that has records may make no progress before its connections are made anew and
	// Hooks.Stalled is told. Default: 30s.
	Stall time.Duration `yaml:"stall"`
	// Watch is how often topics are looked at for new partitions (Kafka: metadata.max.age.ms). Default: 10s.
	Watch time.Duration `yaml:"watch"`

	// Hooks are told of what happens.
	Hooks Hooks `yaml:"-"`
}

// Fetch bounds what one request may bring.
type Fetch struct {
	// MaxBytes is what one request asks for (Kafka: max.partition.fetch.bytes). A batch that is larger still comes.
	// Default: 1 MiB.
	MaxBytes int `yaml:"max_bytes"`
	// MaxWait is how long a broker may wait for new records (Kafka: fetch.max.wait.ms). Default: 500ms.
	MaxWait time.Duration `yaml:"max_wait"`
	// BatchLimit is the largest response, and so the largest batch as it is stored. Default: 128 MiB.
	BatchLimit int `yaml:"batch_limit"`
	// DecompressionLimit is the largest batch after decompression. Default: 64 MiB.
	DecompressionLimit int `yaml:"decompression_limit"`
}

// TLS is how the brokers' certificates are checked and which one is shown to them.
type TLS struct {
	// CA is a PEM file of the authorities that are trusted. Default: those of the system.
	CA string `yaml:"ca"`
	// Cert and Key are PEM files that show the brokers who this client is. Both or neither.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ServerName is the name that must stand in the brokers' certificates. Default: the host of each address.
	ServerName string `yaml:"server_name"`
	// InsecureSkipVerify accepts any certificate: whoever sits on the network can read and change everything.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// SASL is how this client proves who it is.
type SASL struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512 (Kafka: sasl.mechanism).
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	// PasswordFile holds the password; one newline at its end is not part of it.
	PasswordFile string `yaml:"password_file"`
	// Password is for programs; it cannot be written in a configuration file. Without it and without PasswordFile the
	// environment variable PHASOR_KAFKA_PASSWORD holds it.
	Password Secret `yaml:"-"`
}

// PasswordVariable is the environment variable that holds the password if no file is configured.
const PasswordVariable = "PHASOR_KAFKA_PASSWORD" // #nosec G101 -- a name, no password

const (
	readCommitted   = "read_committed"
	readUncommitted = "read_uncommitted"
	corruptFail     = "fail"
	corruptSkip     = "skip"
)

// WithDefaults returns c with every field that was zero at its default.
func (c Config) WithDefaults() Config {
	setDefault(&c.Group, "phasor")
	setDefault(&c.ClientID, "phasor")
	setDefault(&c.Isolation, readCommitted)
	setDefault(&c.Corrupt, corruptFail)
	setDefault(&c.Fetch.MaxBytes, 1<<20)
	setDefault(&c.Fetch.MaxWait, 500*time.Millisecond)
	setDefault(&c.Fetch.BatchLimit, 128<<20)
	setDefault(&c.Fetch.DecompressionLimit, 64<<20)
	setDefault(&c.Session, 10*time.Second)
	setDefault(&c.Heartbeat, time.Second)
	setDefault(&c.DialTimeout, 5*time.Second)
	setDefault(&c.RequestTimeout, 10*time.Second)
	setDefault(&c.Stall, 30*time.Second)
	setDefault(&c.Watch, 10*time.Second)
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Validate says what is wrong with c, after defaults, and what would come of it.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("kafka: "+format, args...)) }
	if len(c.Brokers) == 0 {
		bad("brokers: none given: nothing can be read; name at least one as host:port")
	}
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			bad("brokers: %q is not host:port: it could not be connected to", b)
		}
	}
	if c.Isolation != readCommitted && c.Isolation != readUncommitted {
		bad("isolation: %q is neither %s nor %s: it would not be known whether to fold records of aborted transactions", c.Isolation, readCommitted, readUncommitted)
	}
	if c.Corrupt != corruptFail && c.Corrupt != corruptSkip {
		bad("corrupt: %q is neither %s nor %s: it would not be known whether unreadable records may be lost", c.Corrupt, corruptFail, corruptSkip)
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"fetch.max_wait", c.Fetch.MaxWait}, {"session", c.Session}, {"heartbeat", c.Heartbeat}, {"dial_timeout", c.DialTimeout},
		{"request_timeout", c.RequestTimeout}, {"stall", c.Stall}, {"watch", c.Watch},
	} {
		if d.v < time.Millisecond || d.v > time.Hour {
			bad("%s: %v is outside [1ms, 1h]", d.name, d.v)
		}
	}
	if c.Session < 3*c.Heartbeat {
		bad("session: %v is less than 3 heartbeats of %v: one lost packet would take the partitions away", c.Session, c.Heartbeat)
	}
	c.Fetch.validate(bad)
	if c.TLS != nil && (c.TLS.Cert == "") != (c.TLS.Key == "") {
		bad("tls: only one of cert and key is given: brokers that ask for a certificate would refuse the connection")
	}
	if c.SASL != nil {
		if !slices.Contains([]string{"plain", "scram-sha-256", "scram-sha-512"}, strings.ToLower(c.SASL.Mechanism)) {
			bad("sasl.mechanism: %q is none of plain, scram-sha-256, scram-sha-512: brokers would refuse the connection", c.SASL.Mechanism)
		}
		if c.SASL.User == "" {
			bad("sasl.user: empty: brokers would refuse the connection")
		}
	}
	return errors.Join(errs...)
}

func (f Fetch) validate(bad func(string, ...any)) {
	if f.MaxBytes < 1<<10 || f.MaxBytes > 1<<30 {
		bad("fetch.max_bytes: %d is outside [1 KiB, 1 GiB]", f.MaxBytes)
	}
	if f.BatchLimit < f.MaxBytes || f.BatchLimit > 1<<30 {
		bad("fetch.batch_limit: %d is outside [fetch.max_bytes = %d, 1 GiB]: full responses would be refused", f.BatchLimit, f.MaxBytes)
	}
	if f.DecompressionLimit < 1<<10 || f.DecompressionLimit > 1<<30 {
		bad("fetch.decompression_limit: %d is outside [1 KiB, 1 GiB]", f.DecompressionLimit)
	}
}
