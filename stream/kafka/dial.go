package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// tlsConfig returns nil if TLS is off.
func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify} // #nosec G402 -- off unless configured, and warned of
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: tls.ca: %s holds no certificate in PEM form", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// mechanism returns nil if SASL is off.
func (s *SASL) mechanism() (*authentication, error) {
	if s == nil {
		return nil, nil
	}
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	algorithm := scram.SHA256
	switch strings.ToLower(s.Mechanism) {
	case "plain":
		return &authentication{Mechanism: plain.Mechanism{Username: s.User, Password: password.Reveal()}}, nil
	case "scram-sha-512":
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, s.User, password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("kafka: sasl: user %q or its password cannot be used with %s: %w", s.User, s.Mechanism, err)
	}
	return &authentication{Mechanism: m}, nil
}

// authentication counts the authentications that were begun and not completed: a broker may answer a wrong password by
// closing the connection, and nothing else tells that from an outage.
type authentication struct {
	sasl.Mechanism
	pending atomic.Int64
}

func (m *authentication) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	s, b, err := m.Mechanism.Start(ctx)
	if err == nil {
		m.pending.Add(1)
	}
	return &authenticationState{s, m}, b, err
}

type authenticationState struct {
	sasl.StateMachine
	m *authentication
}

func (s *authenticationState) Next(ctx context.Context, challenge []byte) (bool, []byte, error) {
	done, b, err := s.StateMachine.Next(ctx, challenge)
	if done && err == nil {
		s.m.pending.Store(0)
	}
	return done, b, err
}

// conns is the set of open connections, so that closing a client ends the reads that are under way.
type conns struct {
	timeout time.Duration

	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

func (s *conns) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: s.timeout, KeepAlive: 15 * time.Second}
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, set: s}
	c.unbounded.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return nil, net.ErrClosed
	}
	if s.open == nil {
		s.open = map[*conn]struct{}{}
	}
	s.open[c] = struct{}{}
	return c, nil
}

// cut closes the connections that are open now.
func (s *conns) cut() {
	s.mu.Lock()
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for c := range open {
		c.Conn.Close()
	}
}

// close closes all connections and refuses new ones.
func (s *conns) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cut()
}

// conn bounds the reads and writes for which kafka-go sets no deadline (its SASL exchange), so that a broker that
// accepts and falls silent holds nobody.
type conn struct {
	net.Conn
	set       *conns
	unbounded atomic.Bool
}

func (c *conn) SetDeadline(t time.Time) error {
	c.unbounded.Store(t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.unbounded.Store(t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) Read(b []byte) (int, error) {
	if c.unbounded.Load() {
		if err := c.Conn.SetReadDeadline(time.Now().Add(c.set.timeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func (c *conn) Write(b []byte) (int, error) {
	if c.unbounded.Load() {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.set.timeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	return c.Conn.Close()
}
