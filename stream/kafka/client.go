package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"phasor/stream"
)

// Client is the connection to one cluster. It is safe for concurrent use.
type Client struct {
	cfg       Config
	addr      net.Addr
	tls       *tls.Config
	sasl      *authentication // Nil without SASL.
	conns     conns
	transport *kafka.Transport
	topics    topicCache

	reconnected atomic.Int64 // When, in nanoseconds.
}

// New checks c and returns a client. It reads the files that c names but does not connect: see Client.Check.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	tc, err := c.TLS.config()
	if err != nil {
		return nil, err
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	cl := &Client{cfg: c, addr: kafka.TCP(c.Brokers...), tls: tc, sasl: mechanism, conns: conns{timeout: c.DialTimeout}}
	cl.topics.init(cl)
	cl.transport = &kafka.Transport{
		Dial:        cl.conns.dial,
		DialTimeout: c.DialTimeout,
		IdleTimeout: 30 * time.Second,
		// The transport is asked for the brokers' addresses only: topics and leaders are our own, so that a leader that
		// moved is found at once and a large cluster is not listed every few seconds. The list must be empty, not nil.
		MetadataTopics: []string{},
		MetadataTTL:    5 * time.Second,
		ClientID:       c.ClientID,
		TLS:            tc,
	}
	if mechanism != nil {
		cl.transport.SASL = mechanism
	}
	return cl, nil
}

// Config returns the configuration with its defaults.
func (c *Client) Config() Config { return c.cfg }

// Close closes every connection. Sources and Readers must have been ended before.
func (c *Client) Close() error {
	c.conns.close()
	c.transport.CloseIdleConnections()
	return nil
}

// reconnect makes the next requests open new connections and look the brokers up anew. Those under way end by themselves.
// However many partitions ask for it, it happens once in a while only.
func (c *Client) reconnect() {
	now := time.Now().UnixNano()
	if last := c.reconnected.Load(); now-last > int64(500*time.Millisecond) && c.reconnected.CompareAndSwap(last, now) {
		c.transport.CloseIdleConnections()
	}
}

// retrying is called before each wait. The transport looks brokers up every few seconds, also after that failed: one
// that it does not know is a reason not to wait for that.
func (c *Client) retrying(id stream.PartitionID, err error, wait time.Duration) {
	if errors.Is(err, kafka.BrokerNotAvailable) {
		c.reconnect()
	}
	c.cfg.Hooks.retry(id, err, wait)
}

const (
	anyBroker  = -1
	controller = -2
)

// call carries a message of kafka-go to a broker that we choose.
type call struct {
	message  protocol.Message
	broker   int32
	highest  int16 // The version is the highest that both sides speak, but not above this.
	clientID string
	version  int16
	reply    protocol.Message
}

func (m *call) ApiKey() protocol.ApiKey { return m.message.ApiKey() }

func (m *call) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return route(cluster, m.broker)
}

func route(cluster protocol.Cluster, broker int32) (protocol.Broker, error) {
	switch broker {
	case anyBroker:
		return protocol.Broker{ID: -1}, nil
	case controller:
		if _, ok := cluster.Brokers[cluster.Controller]; !ok {
			return protocol.Broker{}, kafka.BrokerNotAvailable
		}
		return protocol.Broker{ID: cluster.Controller}, nil
	}
	return protocol.Broker{ID: broker}, nil
}

func (m *call) Required(versions map[protocol.ApiKey]int16) bool {
	m.version = min(versions[m.ApiKey()], m.highest)
	return true
}

func (m *call) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if p, ok := m.message.(protocol.PreparedMessage); ok {
		p.Prepare(m.version)
	}
	reply, err := protocol.RoundTrip(rw, m.version, 1, m.clientID, m.message)
	m.reply = reply
	// The transport must not see the reply itself: after some it waits for topics that it does not list.
	return m, err
}

// do sends a message of kafka-go to a broker and returns the reply. It tries once.
func (c *Client) do(ctx context.Context, broker int32, message protocol.Message) (protocol.Message, error) {
	return c.send(ctx, &call{message: message, broker: broker, highest: math.MaxInt16})
}

func (c *Client) send(ctx context.Context, m *call) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	m.clientID = c.cfg.ClientID
	r, err := c.transport.RoundTrip(ctx, c.addr, m)
	if err != nil {
		return nil, fmt.Errorf("%v request: %w", m.ApiKey(), err)
	}
	return r.(*call).reply, nil
}

// codeError returns nil for code 0.
func codeError(code int16) error {
	if code == 0 {
		return nil
	}
	return kafka.Error(code)
}
