//go:build unix

package main

import (
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"phasor/stream/embedded"
)

// The promise on the embedded broker: six crashes of the sketcher and a restart of the broker leave no trace.
// The partitions are fixed: this broker never expires a group's member that died while it joined.
func TestPipelineKeepsItsPromise(t *testing.T) {
	const crashes = 6
	dir := filepath.Join(t.TempDir(), "log")
	start := func(port int) *embedded.Broker {
		b, err := embedded.Start(embedded.Config{Dir: dir, Port: port, Topics: map[string]int{promiseTopic: promisePartitions}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return b
	}
	broker := start(0)
	p := newPromise(t, broker.Addrs(), false)
	for i := range crashes {
		s := p.start()
		if i == crashes/2 {
			p.progress(false, s)
			if err := broker.Close(); err != nil {
				t.Fatal(err)
			}
			p.pause(500 * time.Millisecond)
			_, port, err := net.SplitHostPort(broker.Addrs()[0])
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			broker = start(n)
			p.progress(false, s)
		}
		p.crash(s)
	}
	p.finish(p.start())
	p.verify()
}
