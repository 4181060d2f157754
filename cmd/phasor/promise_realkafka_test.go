//go:build realkafka && unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream/kafka/kafkatest"
)

func startKafka(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	return kafkatest.Start(t, kafkatest.Options{Settings: map[string]string{"group.min.session.timeout.ms": "500"}})
}

// promiseOn creates the topic on c and starts the records.
func promiseOn(t *testing.T, c *kafkatest.Cluster) *promise {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := kadm.NewClient(k).CreateTopic(t.Context(), promisePartitions, 1, nil, promiseTopic); err != nil {
		t.Fatal(err)
	}
	return newPromise(t, c.Addrs(), true)
}

// Twenty crashes of the sketcher at random moments and one of the broker leave no trace in what the store holds: it is
// the sketch of the log, integer by integer.
func TestRealKafkaPromise(t *testing.T) {
	const crashes = 20
	c := startKafka(t)
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

// Two sketchers share the group. One is stopped for longer than its session, so that the other takes its partitions
// over, and goes on with what it believes to own: a zombie. Then the other one crashes.
func TestRealKafkaZombie(t *testing.T) {
	c := startKafka(t)
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
