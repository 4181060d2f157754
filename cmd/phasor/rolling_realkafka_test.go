//go:build realkafka && unix

package main

import (
	"context"
	"testing"
	"time"
)

// Each of three nodes is killed in turn while 5,000 records a second come in: none is lost and none is counted twice, and
// within 20 seconds of a node's return every partition goes on.
func TestRealKafkaRollingCrashes(t *testing.T) {
	const nodes, rate = 3, 5000
	c := startKafka(t, nodes)
	p := promiseOn(t, c)
	p.feed.perTick.Store(rate / 50)
	s := p.start()
	p.progress(true, s)
	for node := range nodes {
		c.Kill(node + 1)
		p.pause(2 * time.Second)
		c.StartNode(node + 1)
		p.patient = 20 * time.Second
		p.progress(true, s)
		p.patient = 2 * time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := p.kafka.Ping(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
	began, n := time.Now(), p.feed.total()
	p.wait("five seconds of records", func() bool { return time.Since(began) > 5*time.Second }, s)
	t.Logf("%d records/s were written in the end", (p.feed.total()-n)/int(time.Since(began)/time.Second))
	p.finish(s)
	p.verify()
}
