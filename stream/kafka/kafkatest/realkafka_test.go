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

// A node can be taken away, in good order or not, and brought back.
func TestRealKafkaNode(t *testing.T) {
	c := Start(t, Options{Secure: true})
	addrs := append(c.Addrs(), c.SecureAddrs()...)
	for name, end := range map[string]func(int){"stop": c.Stop, "kill": c.Kill} {
		for _, want := range []bool{true, false, true} {
			for _, addr := range addrs {
				if got := reachable(addr); got != want {
					t.Fatalf("%s: %s reachable: %v, want %v", name, addr, got, want)
				}
			}
			if want {
				end(1)
			} else {
				c.StartNode(1)
			}
		}
		c.StartNode(1)
	}
}
