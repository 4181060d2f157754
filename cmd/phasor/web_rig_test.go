package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"phasor/stream/embedded"
)

const (
	webUser     = "operator"
	webPassword = "0pen-sesame"
)

// authority signs certificates of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign signs a certificate for 127.0.0.1, or the authority's own.
func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer, c.ExtKeyUsage = c, key, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed, key
}

// issue writes NAME.pem and NAME.key, and returns the pair.
func (a *authority) issue(dir, name string) tls.Certificate {
	a.t.Helper()
	cert, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, filepath.Join(dir, name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	write(a.t, filepath.Join(dir, name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// save writes the authority's own certificate.
func (a *authority) save(path string) {
	a.t.Helper()
	write(a.t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})))
}

// client trusts the authority and shows the certificate, if there is one. Each of its requests is a connection.
func (a *authority) client(show ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: show}}, Timeout: 20 * time.Second}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// users is the section of a web configuration with the test's user.
func users(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(webPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("basic_auth_users: {%s: %q}\n", webUser, hash)
}

// request is one request of a test.
type request struct {
	method, path string
	user, pass   string
	header       map[string]string
}

// send sends it and returns code, body and headers.
func send(t *testing.T, c *http.Client, base string, q request) (int, string, http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.method, base+q.path, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if q.method == "GET" {
		r.Body, r.ContentLength = nil, 0
	}
	if q.user != "" {
		r.SetBasicAuth(q.user, q.pass)
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer resp.Body.Close()
	if q.path == "/events" && resp.StatusCode == http.StatusOK {
		return resp.StatusCode, "", resp.Header // It has no end.
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// everyRole starts each role with the arguments, in an environment in which it works, and calls try with its address and
// log.
func everyRole(t *testing.T, args []string, try func(t *testing.T, role, base string, log *lockedText)) {
	broker, err := embedded.Start(embedded.Config{Topics: map[string]int{"press": 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	kafka := []string{"--brokers", broker.Addrs()[0], "--topic", "press", "--channels", "a,b"}
	for role, own := range map[string][]string{
		"sketcher": kafka,
		"trainer":  {"--name", "press"},
		"serve":    {"--name", "press"},
		"run":      kafka,
		"demo":     {"--seed", "2"},
	} {
		t.Run(role, func(t *testing.T) {
			base, log := startRole(t, append(append([]string{role, "--store", t.TempDir()}, own...), args...)...)
			try(t, role, base, log)
		})
	}
}

var shownPage = regexp.MustCompile(`msg=listening.* page=(https?)://\S+:(\d+)/`)

// startRole runs a command until the test ends, and returns where it answers.
func startRole(t *testing.T, args ...string) (base string, log *lockedText) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log = new(lockedText)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, strings.NewReader(""), io.Discard, log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && exitCode(err) != 1 {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if m := shownPage.FindStringSubmatch(log.String()); m != nil {
			return m[1] + "://127.0.0.1:" + m[2], log
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%q ended: %v\n%s", args, err, log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q does not listen:\n%s", args, log)
		}
	}
}
