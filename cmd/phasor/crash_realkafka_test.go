//go:build realkafka && unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream/kafka/kafkatest"
)

func startKafka(t *testing.T, nodes int) *kafkatest.Cluster {
	t.Helper()
	return kafkatest.Start(t, kafkatest.Options{Brokers: nodes, Settings: map[string]string{"group.min.session.timeout.ms": "500"}})
}

// promiseOn creates the topic, with a replica on every node, and starts the records.
func promiseOn(t *testing.T, c *kafkatest.Cluster, writer ...kgo.Opt) *promise {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	createTopic(t, kadm.NewClient(k), len(c.Addrs()))
	return newPromise(t, c.Addrs(), true, writer...)
}

// createTopic creates the topic, once its name is free, and waits until the brokers know it as the one that was created.
func createTopic(t *testing.T, adm *kadm.Client, replicas int) {
	t.Helper()
	var created kadm.CreateTopicResponse
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if created.Topic == "" {
			r, err := adm.CreateTopic(t.Context(), promisePartitions, int16(replicas), nil, promiseTopic)
			if err != nil {
				continue
			}
			created = r
		}
		topics, err := adm.ListTopics(t.Context(), promiseTopic)
		if err != nil {
			continue
		}
		ready := 0
		for _, d := range topics[promiseTopic].Partitions {
			if d.Err == nil && d.Leader >= 0 {
				ready++
			}
		}
		if topics[promiseTopic].ID == created.ID && ready == promisePartitions {
			return
		}
	}
	t.Fatalf("topic %s does not come into being", promiseTopic)
}

// Twenty crashes of the sketcher at random moments and one of the broker leave no trace in what the store holds: it is
// the sketch of the log, integer by integer.
func TestRealKafkaPromise(t *testing.T) {
	const crashes = 20
	c := startKafka(t, 1)
	p := promiseOn(t, c)
	for i := range crashes {
		s := p.start()
		if i == crashes/2 {
			p.progress(false, s)
			c.Kill(1)
			p.pause(time.Second)
			c.StartNode(1)
			p.progress(false, s)
		}
		p.crash(s)
	}
	p.finish(p.start())
	p.verify()
}

// With a transactional writer only committed records count, whatever crashes in between.
func TestRealKafkaPromiseOfTransactions(t *testing.T) {
	const crashes = 6
	p := promiseOn(t, startKafka(t, 1), kgo.TransactionalID("writer"))
	for range crashes {
		p.crash(p.start())
	}
	p.finish(p.start())
	p.verify()
}

// Each node of a cluster crashes in turn, and with it the leaders of partitions and at some time the coordinator of the
// group; the sketcher goes on with the others.
func TestRealKafkaPromiseOfNodes(t *testing.T) {
	const nodes = 3
	c := startKafka(t, nodes)
	p := promiseOn(t, c)
	s := p.start()
	p.progress(true, s)
	for node := range nodes {
		c.Kill(node + 1)
		p.progress(true, s)
		p.pause(time.Second)
		c.StartNode(node + 1)
		p.progress(true, s)
	}
	p.finish(s)
	p.verify()
}

// Two sketchers share the group. One is stopped for longer than its session, so that the other takes its partitions
// over, and goes on with what it believes to own: a zombie. Then the other one crashes.
func TestRealKafkaZombie(t *testing.T) {
	c := startKafka(t, 1)
	p := promiseOn(t, c)
	a := p.start()
	p.progress(true, a)
	for range 3 {
		b := p.start()
		p.wait("the second sketcher owns partitions", b.owns, a, b)
		p.progress(true, a, b)
		a.signal(syscall.SIGSTOP)
		// What the zombie had in flight is not durable; what moves now, the other one moves.
		p.progress(true, b)
		p.progress(true, b)
		p.pause(time.Second)
		a.signal(syscall.SIGCONT)
		p.pause(time.Second)
		p.progress(true, a, b)
		b.kill()
		p.progress(true, a)
		p.pause(time.Second)
	}
	p.finish(a)
	p.verify()
}

// A log that is no longer the one that was folded is refused, in words that name the policy; the store stays as it is.
func TestRealKafkaRefusals(t *testing.T) {
	c := startKafka(t, 1)
	p := promiseOn(t, c)
	s := p.start()
	p.progress(true, s)
	p.finish(s)
	p.verify()
	adm := kadm.NewClient(p.kafka)
	before := p.objects()
	refused := func(want ...string) {
		t.Helper()
		s := p.start()
		select {
		case <-s.ended:
		case <-time.After(p.patient):
			t.Fatal("the sketcher goes on")
		}
		b, err := os.ReadFile(s.log)
		if err != nil {
			t.Fatal(err)
		}
		if s.cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("exit code %d, want 1", s.cmd.ProcessState.ExitCode())
		}
		for _, w := range want {
			if !strings.Contains(string(b), w) {
				t.Errorf("%s does not say %q", filepath.Base(s.log), w)
			}
		}
		after := p.objects()
		for name := range before {
			if !after[name] {
				t.Errorf("%s is gone from the store", name)
			}
		}
	}
	var beyond kadm.Offsets
	for part, next := range p.positions() {
		k := &kgo.Record{Topic: promiseTopic, Partition: int32(part), Value: []byte("unread")}
		if err := p.kafka.ProduceSync(t.Context(), k).FirstErr(); err != nil {
			t.Fatal(err)
		}
		beyond.Add(kadm.Offset{Topic: promiseTopic, Partition: int32(part), At: next + 1, LeaderEpoch: -1})
	}
	if _, err := adm.DeleteRecords(t.Context(), beyond); err != nil {
		t.Fatal(err)
	}
	refused("records lost to retention", "1 offsets were deleted unread", "on_retention")
	if _, err := adm.DeleteTopics(t.Context(), promiseTopic); err != nil {
		t.Fatal(err)
	}
	createTopic(t, adm, 1)
	refused("topic recreated", "on_recreated")
}
