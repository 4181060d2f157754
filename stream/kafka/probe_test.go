package kafka

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestProbe(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "t"))
	cl, _ := newClient(t, c, nil)
	p, err := cl.Probe(testContext(t), c.ListenAddrs()[0])
	if err != nil || p.APIs < 20 || len(p.Lacks) > 0 || p.TLS != "" || p.Took <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
	slices.Sort(p.Brokers)
	if want := slices.Sorted(slices.Values(c.ListenAddrs())); !slices.Equal(p.Brokers, want) {
		t.Errorf("the cluster's brokers are %v, want %v", p.Brokers, want)
	}
	if _, err := cl.Probe(testContext(t), "127.0.0.1:1"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody listens: %v", err)
	}
	// A cluster of the time before record batches of format 2.
	c.ControlKey(int16(kmsg.ApiVersions), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r := kreq.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key, most := range map[kmsg.Key]int16{kmsg.Fetch: 3, kmsg.Metadata: 2, kmsg.ListOffsets: 2, kmsg.FindCoordinator: 0, kmsg.JoinGroup: 1, kmsg.SyncGroup: 0, kmsg.Heartbeat: 0, kmsg.LeaveGroup: 0} {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = int16(key), most
			r.ApiKeys = append(r.ApiKeys, k)
		}
		return r, nil, true
	})
	p, err = cl.Probe(testContext(t), c.ListenAddrs()[0])
	if err != nil || strings.Join(p.Lacks, ", ") != "Fetch 4, OffsetCommit 2" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestProbeOverTLS(t *testing.T) {
	a := newAuthority(t)
	c := newCluster(t, kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{a.issue("kafka", false)}}))
	cl, _ := newClient(t, c, func(c *Config) { c.TLS = &TLS{CA: a.path("ca")} })
	p, err := cl.Probe(testContext(t), c.ListenAddrs()[0])
	if err != nil || p.TLS != "TLS 1.3" || time.Until(p.Expires) < 50*time.Minute || time.Until(p.Expires) > time.Hour {
		t.Errorf("%+v, %v", p, err)
	}
	cl, _ = newClient(t, c, func(c *Config) { c.TLS = &TLS{} })
	if _, err := cl.Probe(testContext(t), c.ListenAddrs()[0]); !errors.Is(err, ErrTLS) || !strings.Contains(err.Error(), "kafka.tls.ca") {
		t.Errorf("an authority that is not trusted: %v", err)
	}
}

func TestLeadersAndSettings(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(4, "t"))
	cl, _ := newClient(t, c, nil)
	leaders, err := cl.Leaders(testContext(t), "t")
	if err != nil || len(leaders) != 4 || slices.Min(leaders) < 0 {
		t.Errorf("%v, %v", leaders, err)
	}
	if _, err := cl.Leaders(testContext(t), "absent"); !errors.Is(err, ErrNoTopic) {
		t.Errorf("%v", err)
	}
	if v, err := cl.Setting(testContext(t), "t", "message.timestamp.type"); err != nil || v != "CreateTime" {
		t.Errorf("%q, %v", v, err)
	}
	if v, err := cl.Setting(testContext(t), "t", "no.such.setting"); err == nil {
		t.Errorf("%q", v)
	}
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	defer h.Remove()
	if _, err := cl.Setting(testContext(t), "t", "message.timestamp.type"); !errors.Is(err, ErrAuthorization) {
		t.Errorf("%v", err)
	}
}

// A group is described without joining it.
func TestDescribeGroup(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	cl, _ := newClient(t, c, nil)
	if m, err := cl.DescribeGroup(testContext(t), "nobody"); err != nil || m.Members != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	l := newLedger()
	stop := run(t, cl.Group([]string{"t"}, "somebody"), l.own("a", 0))
	waitFor(t, "an owner", func() bool { n, _ := l.owners(); return n == 1 })
	if m, err := cl.DescribeGroup(testContext(t), "somebody"); err != nil || m.Members != 1 || m.State != "Stable" {
		t.Errorf("%+v, %v", m, err)
	}
	stop()
	for _, key := range []kmsg.Key{kmsg.FindCoordinator, kmsg.DescribeGroups} {
		c.ControlKey(int16(key), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			switch r := kreq.ResponseKind().(type) {
			case *kmsg.FindCoordinatorResponse:
				r.ErrorCode = kerr.GroupAuthorizationFailed.Code
				return r, nil, true
			case *kmsg.DescribeGroupsResponse:
				g := kmsg.NewDescribeGroupsResponseGroup()
				g.Group, g.ErrorCode = "somebody", kerr.GroupAuthorizationFailed.Code
				r.Groups = append(r.Groups, g)
				return r, nil, true
			}
			return nil, nil, false
		})
		if _, err := cl.DescribeGroup(testContext(t), "somebody"); !errors.Is(err, ErrAuthorization) {
			t.Errorf("%v: %v", key, err)
		}
	}
}
