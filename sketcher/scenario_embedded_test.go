package sketcher

import (
	"encoding/base64"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phasor/stream"
	"phasor/stream/embedded"
)

// embeddedSite is one embedded broker with its log in a folder.
type embeddedSite struct {
	t      *testing.T
	dir    string
	broker *embedded.Broker
}

func newEmbeddedSite(t *testing.T, _ uint64) *embeddedSite {
	t.Helper()
	c := &embeddedSite{t: t, dir: filepath.Join(t.TempDir(), "log")}
	c.start(0)
	t.Cleanup(func() { c.broker.Close() })
	return c
}

func (c *embeddedSite) start(port int) {
	c.t.Helper()
	var err error
	if c.broker, err = embedded.Start(embedded.Config{Dir: c.dir, Port: port}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *embeddedSite) addrs() []string { return c.broker.Addrs() }

func (c *embeddedSite) create(topic string, partitions int) {
	c.t.Helper()
	if err := c.broker.CreateTopic(topic, partitions); err != nil {
		c.t.Fatal(err)
	}
}

func (c *embeddedSite) crash(*rand.Rand) {
	c.t.Helper()
	_, port, err := net.SplitHostPort(c.broker.Addrs()[0])
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.broker.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.start(n)
}

// expire removes the members of a group that died while they joined: this broker does not, unlike Kafka.
func (c *embeddedSite) expire(group string, alive map[string]bool) {
	k, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...))
	if err != nil {
		c.t.Fatal(err)
	}
	defer k.Close()
	described, err := kadm.NewClient(k).DescribeGroups(c.t.Context(), group)
	if err != nil {
		return // It is tried again.
	}
	for _, m := range described[group].Members {
		if !alive[m.ClientID] {
			req := kmsg.NewPtrLeaveGroupRequest()
			req.Group = group
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			req.Members = append(req.Members, member)
			_, _ = req.RequestWith(c.t.Context(), k) // It is tried again.
		}
	}
}

// kafkaID spells a topic id as Kafka's tools do.
func kafkaID(id [16]byte) string {
	if id == [16]byte{} {
		return stream.NoTopicID
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}
