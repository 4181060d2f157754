package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"phasor/stream"
)

// Why a cluster cannot be used, as found by Check.
var (
	// ErrUnreachable: no broker could be connected to, or none answered.
	ErrUnreachable = errors.New("no broker can be reached")
	// ErrTLS: the TLS handshake failed, or one side speaks TLS and the other does not.
	ErrTLS = errors.New("TLS failed")
	// ErrAuthentication: the broker does not accept who this client says it is.
	ErrAuthentication = errors.New("authentication failed")
	// ErrAuthorization: the broker knows this client and does not let it do this.
	ErrAuthorization = errors.New("not authorised")
)

// Check tries what reading the topics will need: connecting, TLS, authentication, finding the topics, and reading
// the range and the first bytes of each one's first partition. Its error wraps one of ErrUnreachable, ErrTLS,
// ErrAuthentication, ErrAuthorization and ErrNoTopic where that is the reason, and says what to do.
func (c *Client) Check(ctx context.Context, topics ...string) error {
	if len(topics) == 0 {
		_, err := c.Topic(ctx, "phasor.check")
		if errors.Is(err, ErrNoTopic) || errors.Is(err, ErrAuthorization) {
			return nil // The brokers answered, which is all that was asked.
		}
		return err
	}
	for _, name := range topics {
		t, err := c.Topic(ctx, name)
		if err != nil {
			return err
		}
		if err := c.checkTopic(ctx, stream.PartitionID{Topic: name, TopicID: t.ID}); err != nil {
			return c.explain("reading topic "+name, err)
		}
	}
	return nil
}

// checkTopic asks for what a reader asks for. A leader that just moved, as that of a new topic seems to, has the time of
// one request to settle.
func (c *Client) checkTopic(ctx context.Context, id stream.PartitionID) error {
	patient, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	var b backoff
	var since time.Time
	for {
		leader, _, err := c.topics.leader(ctx, id, since)
		if err == nil {
			_, err = c.listOffset(ctx, leader, id, kafka.FirstOffset, false)
		}
		if err == nil {
			err = c.checkRead(ctx, id)
		}
		var code kafka.Error
		if err == nil || !errors.As(err, &code) || !code.Temporary() && code != kafka.BrokerNotAvailable {
			return err
		}
		since = time.Now()
		wait := b.next()
		c.retrying(id, err, wait)
		if sleep(patient, wait) != nil {
			return err
		}
	}
}

// checkRead fetches once from the start of a partition.
func (c *Client) checkRead(ctx context.Context, id stream.PartitionID) error {
	f := newFetcher(c, id, 0)
	f.maxWait, f.maxBytes = 0, 1<<10
	err := f.attempt(ctx, new(response))
	if isFinal(err) {
		return nil // Offset 0 was deleted long ago: the broker let us ask, which is the point.
	}
	return err
}

// explain puts what failed, why and what to do into one error.
func (c *Client) explain(doing string, err error) error {
	brokers := strings.Join(c.cfg.Brokers, ", ")
	advice, kind := c.diagnose(err)
	if kind == nil {
		return fmt.Errorf("kafka: %s at %s: %w", doing, brokers, err)
	}
	return fmt.Errorf("kafka: %s at %s: %w: %w: %s", doing, brokers, kind, err, advice)
}

func (c *Client) diagnose(err error) (advice string, kind error) {
	var (
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		netErr    net.Error
		op        *net.OpError
		code      kafka.Error
	)
	switch {
	case errors.As(err, &record):
		return "the broker does not speak TLS on this port: use its TLS port, or leave tls out", ErrTLS
	case errors.As(err, &authority):
		return "the broker's certificate is signed by an authority that is not trusted: set kafka.tls.ca", ErrTLS
	case errors.As(err, &host):
		return "the broker's certificate is for another name: set tls.server_name, or use the name in it", ErrTLS
	case errors.As(err, &verify), errors.As(err, &invalid):
		return "the broker's certificate is not valid", ErrTLS
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls:"):
		return "the broker refused this client: if it asks for certificates, set tls.cert and tls.key", ErrTLS
	case errors.As(err, &code):
		return c.diagnoseCode(code)
	case c.sasl != nil && strings.Contains(err.Error(), "SASL"):
		return "check sasl.user, the password and sasl.mechanism", ErrAuthentication
	case c.sasl != nil && c.sasl.pending.Load() > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return "the broker closed the connection during authentication: check sasl.user, the password and sasl.mechanism", ErrAuthentication
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "connection reset"):
		if c.tls == nil {
			return "the broker closed the connection: if the port is for TLS or SASL, configure tls or sasl", ErrUnreachable
		}
		if c.sasl == nil {
			return "the broker closed the connection: if the port is for SASL, configure sasl; if it is not for TLS, leave tls out", ErrUnreachable
		}
		return "the broker closed the connection: if the port is not for TLS, leave tls out", ErrUnreachable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "it did not answer in time: check the address, the port and the firewall", ErrUnreachable
	case errors.As(err, &op), errors.As(err, &netErr):
		return "check the address, that the broker runs, and the firewall", ErrUnreachable
	}
	return "", nil
}

func (c *Client) diagnoseCode(code kafka.Error) (advice string, kind error) {
	switch code {
	case kafka.SASLAuthenticationFailed:
		return "check sasl.user, the password and sasl.mechanism", ErrAuthentication
	case kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState:
		return "the broker offers another mechanism: check sasl.mechanism", ErrAuthentication
	case kafka.TopicAuthorizationFailed:
		return "the user needs Describe and Read on the topic, Write to produce, Create to create it", ErrAuthorization
	case kafka.GroupAuthorizationFailed:
		return "the user needs Read on the group", ErrAuthorization
	case kafka.ClusterAuthorizationFailed:
		return "the user needs this right on the cluster", ErrAuthorization
	case kafka.UnknownTopicOrPartition:
		return "create it, or correct the name", ErrNoTopic
	}
	return "", nil
}
