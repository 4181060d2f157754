//go:build realkafka

package kafkatest

import (
	"net"
	"testing"
	"time"
)

func reachable(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Nodes can be taken away and brought back one by one.
func TestRealKafkaNodes(t *testing.T) {
	c := Start(t, Options{Brokers: 3})
	for i, end := range []func(int){c.Stop, c.Kill} {
		node := i + 1
		for k, addr := range c.Addrs() {
			if !reachable(addr) {
				t.Fatalf("node %d does not listen at %s", k+1, addr)
			}
		}
		end(node)
		for k, addr := range c.Addrs() {
			if got, want := reachable(addr), k+1 != node; got != want {
				t.Errorf("with node %d away, node %d reachable: %v", node, k+1, got)
			}
		}
		c.StartNode(node)
	}
}
