package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
)

// Probe is what one broker answered.
type Probe struct {
	Address string
	APIs    int           // Kinds of requests that it knows.
	Lacks   []string      // Those of them that Phasor needs and it does not offer.
	Brokers []string      // Addresses of all brokers of its cluster, as it tells them to clients.
	TLS     string        // Version of TLS; empty without.
	Expires time.Time     // When its certificate ends; zero without TLS.
	Took    time.Duration // To connect, with TLS and SASL, and to answer.
}

// needed are the requests without which nothing can be read, and the least version of each that will do.
var needed = []struct {
	key     protocol.ApiKey
	version int16
}{
	{protocol.Fetch, 4}, {protocol.Metadata, 1}, {protocol.ListOffsets, 2}, {protocol.FindCoordinator, 0}, {protocol.JoinGroup, 1}, {protocol.SyncGroup, 0},
	{protocol.Heartbeat, 0}, {protocol.LeaveGroup, 0}, {protocol.OffsetCommit, 2},
}

// Probe connects to one address with TLS and SASL as configured, and asks what the broker there can do. It changes
// nothing. The error is as that of Check.
func (c *Client) Probe(ctx context.Context, address string) (Probe, error) {
	p := Probe{Address: address}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout+c.cfg.RequestTimeout)
	defer cancel()
	doing := "connecting to the broker " + address
	d := kafka.Dialer{ClientID: c.cfg.ClientID, Timeout: c.cfg.DialTimeout, DialFunc: c.conns.dial, TLS: c.tls}
	if c.sasl != nil {
		d.SASLMechanism = c.sasl
	}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return p, c.explain(doing, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(c.cfg.RequestTimeout)); err != nil {
		return p, c.explain(doing, err)
	}
	apis, err := conn.ApiVersions()
	if err != nil {
		return p, c.explain(doing, err)
	}
	p.APIs = len(apis)
	for _, n := range needed {
		if !slices.ContainsFunc(apis, func(v kafka.ApiVersion) bool { return protocol.ApiKey(v.ApiKey) == n.key && v.MaxVersion >= n.version }) {
			p.Lacks = append(p.Lacks, fmt.Sprintf("%v %d", n.key, n.version))
		}
	}
	brokers, err := conn.Brokers()
	if err != nil {
		return p, c.explain(doing, err)
	}
	for _, b := range brokers {
		p.Brokers = append(p.Brokers, net.JoinHostPort(b.Host, strconv.Itoa(b.Port)))
	}
	p.Took = time.Since(began)
	if c.tls == nil {
		return p, nil
	}
	return p, c.certificate(ctx, &p)
}

// certificate looks at the certificate that a broker shows.
func (c *Client) certificate(ctx context.Context, p *Probe) error {
	nc, err := c.conns.dial(ctx, "tcp", p.Address)
	if err != nil {
		return c.explain("connecting to the broker "+p.Address, err)
	}
	defer nc.Close()
	tc := c.tls.Clone()
	if tc.ServerName == "" {
		tc.ServerName, _, _ = net.SplitHostPort(p.Address) // It was dialled, so it is host:port.
	}
	t := tls.Client(nc, tc)
	if err := t.HandshakeContext(ctx); err != nil {
		return c.explain("connecting to the broker "+p.Address, err)
	}
	s := t.ConnectionState()
	p.TLS = tls.VersionName(s.Version)
	if len(s.PeerCertificates) > 0 {
		p.Expires = s.PeerCertificates[0].NotAfter
	}
	return nil
}

// Leaders returns the broker that leads each partition of a topic, -1 for those without one.
func (c *Client) Leaders(ctx context.Context, topic string) ([]int32, error) {
	if _, err := c.Topic(ctx, topic); err != nil {
		return nil, err
	}
	info, err := c.topics.get(ctx, topic, time.Now())
	if err == nil {
		err = info.err()
	}
	if err != nil {
		return nil, c.explain("looking for topic "+topic, err)
	}
	return slices.Clone(info.leaders), nil
}

// Setting returns a setting of a topic, such as message.timestamp.type. The user needs DescribeConfigs on the topic.
func (c *Client) Setting(ctx context.Context, topic, name string) (string, error) {
	const ofTopic = 2
	r, err := c.do(ctx, anyBroker, &describeconfigs.Request{Resources: []describeconfigs.RequestResource{{ResourceType: ofTopic, ResourceName: topic, ConfigNames: []string{name}}}})
	if err != nil {
		return "", c.explain("asking for the settings of topic "+topic, err)
	}
	for _, res := range r.(*describeconfigs.Response).Resources {
		if err := codeError(res.ErrorCode); err != nil {
			return "", c.explain("asking for the settings of topic "+topic, err)
		}
		for _, e := range res.ConfigEntries {
			if e.ConfigName == name {
				return e.ConfigValue, nil
			}
		}
	}
	return "", fmt.Errorf("kafka: topic %s: the broker does not tell its setting %s", topic, name)
}

// Membership is what a cluster says of a consumer group.
type Membership struct {
	State   string // Dead if there is no such group.
	Members int
}

// DescribeGroup asks the coordinator of a consumer group about it. It does not join, so that nothing is rebalanced.
func (c *Client) DescribeGroup(ctx context.Context, group string) (Membership, error) {
	var m Membership
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	err := c.administer(ctx, func() error {
		r, err := c.do(ctx, anyBroker, &findcoordinator.Request{Key: group})
		if err != nil {
			return err
		}
		found := r.(*findcoordinator.Response)
		if err := codeError(found.ErrorCode); err != nil {
			return err
		}
		r, err = c.do(ctx, found.NodeID, &describegroups.Request{Groups: []string{group}})
		if err != nil {
			return err
		}
		for _, g := range r.(*describegroups.Response).Groups {
			if err := codeError(g.ErrorCode); err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
				return err
			}
			m = Membership{State: g.GroupState, Members: len(g.Members)}
		}
		return nil
	})
	if err != nil {
		return m, c.explain("describing the group "+group, err)
	}
	return m, nil
}
