//go:build realkafka

package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"phasor/stream/kafka/kafkatest"
)

func secure(c *kafkatest.Cluster, mechanism, password string) func(*Config) {
	return func(cfg *Config) {
		cfg.Brokers = c.SecureAddrs()
		cfg.TLS = &TLS{CA: c.CA()}
		cfg.SASL = &SASL{Mechanism: mechanism, User: kafkatest.User, Password: Secret(password)}
	}
}

// TLS and SCRAM on every path: administration, producing, reading, and the group, which has connections of its own.
func testSecurity(t *testing.T, c *kafkatest.Cluster) {
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			topic := "secure." + mechanism
			cl := realClient(t, c, func(cfg *Config) {
				secure(c, mechanism, kafkatest.Password)(cfg)
				realMember(cfg)
			})
			if _, err := cl.CreateTopic(realContext(t), topic, 2, 1, nil); err != nil {
				t.Fatal(err)
			}
			messages := randomMessages(newRand(t), 500, 2)
			if err := cl.Produce(realContext(t), topic, messages...); err != nil {
				t.Fatal(err)
			}
			if err := cl.Check(realContext(t), topic); err != nil {
				t.Error(err)
			}
			for p := range 2 {
				wantRecords(t, topic, readAll(t, open(t, cl, topic, p), 0), inLog(messages, p))
			}
			l := newLedger()
			run(t, cl.Group([]string{topic}, topic), l.own("member", 0))
			eventually(t, "the group gave both partitions", func() bool { n, _ := l.owners(); return n == 2 })
		})
	}
}

// What is wrong with the way in is said in words that lead to the setting, and never with the password.
func testWrongPassword(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "closed", 1, nil)
	for _, tc := range []struct {
		name   string
		change func(*Config)
		kind   error
		want   string
	}{
		{"password, SCRAM-SHA-256", secure(c, "scram-sha-256", "not-the-password"), ErrAuthentication, "check sasl.user, the password and sasl.mechanism"},
		{"password, SCRAM-SHA-512", secure(c, "scram-sha-512", "not-the-password"), ErrAuthentication, "check sasl.user, the password and sasl.mechanism"},
		{"mechanism", secure(c, "plain", "not-the-password"), ErrAuthentication, "sasl.mechanism"},
		{"no SASL", func(cfg *Config) { secure(c, "plain", "")(cfg); cfg.SASL = nil }, ErrUnreachable, "configure sasl"},
		{"no authority", func(cfg *Config) { secure(c, "scram-sha-256", kafkatest.Password)(cfg); cfg.TLS = &TLS{} }, ErrTLS, "tls.ca"},
		{"plain port", func(cfg *Config) { secure(c, "scram-sha-256", kafkatest.Password)(cfg); cfg.Brokers = c.Addrs() }, ErrUnreachable, "leave tls out"},
		{"nobody there", func(cfg *Config) { cfg.Brokers = []string{"127.0.0.1:1"} }, ErrUnreachable, "check the address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cl := realClient(t, c, func(cfg *Config) {
				tc.change(cfg)
				cfg.RequestTimeout = 5 * time.Second
			})
			err := cl.Check(realContext(t), "closed")
			if !errors.Is(err, tc.kind) || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v\nwant an error that is %q and says %q", err, tc.kind, tc.want)
			}
			if strings.Contains(err.Error(), "not-the-password") {
				t.Errorf("the error shows the password: %v", err)
			}
			t.Log(err)
		})
	}
}
