//go:build realkafka

package sketcher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream/kafka/kafkatest"
)

// TestRealKafkaScenarios runs the same misfortunes against a cluster of three nodes.
func TestRealKafkaScenarios(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Brokers: 3, Settings: map[string]string{"group.min.session.timeout.ms": "500", "group.initial.rebalance.delay.ms": "0"}})
	for _, seed := range scenarioSeeds(2, 10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			runScenario(t, seed, &realSite{t: t, c: c}, 10)
		})
	}
}

// realSite is a cluster of three nodes that hold every partition.
type realSite struct {
	t *testing.T
	c *kafkatest.Cluster
}

func (r *realSite) addrs() []string { return r.c.Addrs() }

func (r *realSite) create(topic string, partitions int) {
	r.t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(r.addrs()...))
	if err != nil {
		r.t.Fatal(err)
	}
	defer k.Close()
	adm := kadm.NewClient(k)
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	ahead := "9223372036854775807" // Records of 2100 are let in.
	if _, err := adm.CreateTopic(ctx, int32(partitions), 3, map[string]*string{"message.timestamp.after.max.ms": &ahead, "retention.ms": new("-1")}, topic); err != nil {
		r.t.Fatal(err)
	}
	for {
		topics, err := adm.ListTopics(ctx, topic)
		ready := 0
		for _, p := range topics[topic].Partitions {
			if p.Err == nil && p.Leader >= 0 {
				ready++
			}
		}
		switch {
		case err == nil && ready == partitions:
			return
		case ctx.Err() != nil:
			r.t.Fatalf("topic %s does not come into being: %v", topic, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (r *realSite) crash(rng *rand.Rand) {
	r.t.Helper()
	node := 1 + rng.IntN(3)
	r.c.Kill(node)
	time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
	r.c.StartNode(node)
}

// expire has nothing to do: this broker expires members by itself.
func (r *realSite) expire(string, map[string]bool) {}
