package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// authority signs certificates for a test and writes them as files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.issue("ca", true)
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name+".pem") }

// issue writes <name>.pem and <name>-key.pem.
func (a *authority) issue(name string, ca bool) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{name}}
	if ca {
		a.cert, a.key = c, key
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	if ca {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name: {Type: "CERTIFICATE", Bytes: der}, name + "-key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(a.path(file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(a.path(name), a.path(name+"-key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// expect checks the cluster and the whole way of records through it, or that the check fails as it should.
func expect(t *testing.T, c *kfake.Cluster, change func(*Config), want error, advice string) {
	t.Helper()
	cl, _ := newClient(t, c, change)
	err := cl.Check(testContext(t), "t")
	if want != nil {
		if !errors.Is(err, want) || !strings.Contains(err.Error(), advice) {
			t.Errorf("Check: %v\nwant %v with %q", err, want, advice)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in the error: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	p := open(t, cl, "t", 0)
	_, end, err := p.Range(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.Produce(testContext(t), "t", Message{Key: []byte("k"), Value: fmt.Appendf(nil, "v%d", end)}); err != nil {
		t.Fatalf("Produce: %v", err)
	}
	l := newLedger()
	stop := run(t, cl.Group([]string{"t"}, "secured"), l.own("a", 0))
	waitFor(t, "a group over the secured connection", func() bool { n, _ := l.owners(); return n == 1 })
	stop()
	r := p.Read(end)
	defer r.Close()
	if got, err := readTo(t, r, end, end+1); err != nil || len(got) != 1 {
		t.Errorf("read %v, %v", got, err)
	}
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.EnableSASL(), kfake.Superuser(mechanism, "phasor", "hunter2"))
			with := func(user, password, mechanism string) func(*Config) {
				return func(c *Config) {
					c.SASL = &SASL{Mechanism: strings.ToLower(mechanism), User: user, Password: Secret(password)}
				}
			}
			expect(t, c, with("phasor", "hunter2", mechanism), nil, "")
			expect(t, c, with("phasor", "hunter22", mechanism), ErrAuthentication, "the password")
			expect(t, c, with("nobody", "hunter2", mechanism), ErrAuthentication, "sasl.user")
			expect(t, c, nil, ErrUnreachable, "configure tls or sasl")
		})
	}
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	broker := a.issue("broker", false)
	a.issue("client", false)
	other := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	plain := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	secured := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{broker}}))
	mutual := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{broker}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}))
	with := func(v TLS) func(*Config) {
		return func(c *Config) { c.TLS, c.DialTimeout = &v, time.Second }
	}
	expect(t, secured, with(TLS{CA: a.path("ca")}), nil, "")
	expect(t, secured, with(TLS{CA: a.path("ca"), ServerName: "broker"}), nil, "")
	expect(t, secured, with(TLS{InsecureSkipVerify: true}), nil, "")
	expect(t, secured, with(TLS{}), ErrTLS, "tls.ca")
	expect(t, secured, with(TLS{CA: other.path("ca")}), ErrTLS, "tls.ca")
	expect(t, secured, with(TLS{CA: a.path("ca"), ServerName: "elsewhere"}), ErrTLS, "tls.server_name")
	expect(t, secured, nil, ErrUnreachable, "configure tls or sasl")
	expect(t, plain, with(TLS{CA: a.path("ca")}), ErrUnreachable, "")
	expect(t, mutual, with(TLS{CA: a.path("ca"), Cert: a.path("client"), Key: a.path("client-key")}), nil, "")
	expect(t, mutual, with(TLS{CA: a.path("ca")}), ErrTLS, "tls.cert")
}

func TestSASLOverTLS(t *testing.T) {
	a := newAuthority(t)
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{a.issue("broker", false)}}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "phasor", "hunter2"))
	expect(t, c, func(c *Config) {
		c.TLS = &TLS{CA: a.path("ca")}
		c.SASL = &SASL{Mechanism: "scram-sha-512", User: "phasor", Password: "hunter2"}
	}, nil, "")
}

func TestCheckTopics(t *testing.T) {
	c := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	expect(t, c, nil, nil, "")
	cl, _ := newClient(t, c, nil)
	if err := cl.Check(testContext(t)); err != nil {
		t.Errorf("Check without topics: %v", err)
	}
	if err := cl.Check(testContext(t), "t", "absent"); !errors.Is(err, ErrNoTopic) || !strings.Contains(err.Error(), "absent") {
		t.Errorf("Check of an absent topic: %v", err)
	}
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t", Err: kerr.NotLeaderForPartition, Count: 2})
	if err := cl.Check(testContext(t), "t"); err != nil || h.Hits() != 2 {
		t.Errorf("Check while the leader moves: %v after %d faults", err, h.Hits())
	}
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata} {
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: "t", Err: kerr.TopicAuthorizationFailed, Count: -1})
		expect(t, c, nil, ErrAuthorization, "needs Describe and Read")
		h.Remove()
	}
}

func TestCheckUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	for name, addr := range map[string]string{"closed": closed, "silent": silent(t), "no such host": "kafka.invalid:9092"} {
		cl, err := New(Config{Brokers: []string{addr}, DialTimeout: 200 * time.Millisecond, RequestTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := cl.Check(testContext(t), "t"); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v, want %v", name, err, ErrUnreachable)
		}
		cl.Close()
	}
}
