package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"phasor/metrics/status"
)

// answering is a listener with a web configuration and nothing behind it, until the test ends.
func answering(t *testing.T, cfg Config, h health) (*listener, *lockedText) {
	t.Helper()
	log := new(lockedText)
	cfg.Listen = "127.0.0.1:0"
	l, err := listen(cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	wait := l.serve(newRegistry(), h, status.New(status.Config{Guard: l.guard()}), api{handler: http.NotFoundHandler()})
	go func() { ended <- wait(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l, log
}

// A new certificate is shown from the next connection on.
func TestCertificateIsReloaded(t *testing.T) {
	dir, old := t.TempDir(), newAuthority(t)
	old.issue(dir, "server")
	web := filepath.Join(dir, "web.yml")
	write(t, web, "tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
	l, _ := answering(t, Config{Web: WebConfig{Config: web}}, health{})
	if code, _, _ := send(t, old.client(), l.url(""), request{method: "GET", path: "/livez"}); code != 200 {
		t.Fatal(code)
	}
	young := newAuthority(t)
	young.issue(dir, "server")
	if code, _, _ := send(t, young.client(), l.url(""), request{method: "GET", path: "/livez"}); code != 200 {
		t.Error(code)
	}
	if r, err := old.client().Get(l.url("/livez")); err == nil {
		r.Body.Close()
		t.Error("the old certificate is still shown")
	}
}

// With certificates asked for, a client without one reaches the probes only, or nothing at all.
func TestClientCertificates(t *testing.T) {
	dir, a := t.TempDir(), newAuthority(t)
	a.issue(dir, "server")
	mine := a.issue(dir, "client")
	strangers := newAuthority(t).issue(dir, "stranger")
	a.save(filepath.Join(dir, "ca.pem"))
	web := filepath.Join(dir, "web.yml")
	for kind, open := range map[string]bool{"VerifyClientCertIfGiven": true, "RequireAndVerifyClientCert": false} {
		write(t, web, "tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: "+kind+"}\n")
		l, _ := answering(t, Config{Web: WebConfig{Config: web}}, health{})
		if !l.access.asks || l.access.passwords || !l.guard().Authenticated {
			t.Errorf("%s: %+v", kind, l.access)
		}
		for _, p := range []string{"/metrics", "/config", "/v1/x"} {
			if code, body, _ := send(t, a.client(mine), l.url(""), request{method: "GET", path: p}); code != 200 && p != "/v1/x" || code == 403 {
				t.Errorf("%s %s: %d %s", kind, p, code, body)
			}
			r, err := a.client().Get(l.url(p))
			if err == nil {
				r.Body.Close()
			}
			if open && (err != nil || r.StatusCode != 403) || !open && err == nil {
				t.Errorf("%s %s without a certificate: %v %v", kind, p, r, err)
			}
			if r, err := a.client(strangers).Get(l.url(p)); err == nil && r.StatusCode != 403 { // A client may see that its certificate is none of them and show none.
				t.Errorf("%s %s with a stranger's certificate: %d", kind, p, r.StatusCode)
			}
		}
		if r, err := a.client().Get(l.url("/livez")); open && (err != nil || r.StatusCode != 200) || !open && err == nil {
			t.Errorf("%s: probe: %v, %v", kind, r, err)
		}
		if code, body, _ := send(t, a.client(mine), l.url(""), request{method: "POST", path: "/models/roll-back?sketch=a"}); code != 404 {
			t.Errorf("%s: with a certificate: %d %s", kind, code, body)
		}
	}
}

// What is wrong with a web configuration is said at the start, and secrets in it are not.
func TestWrongWebConfigurations(t *testing.T) {
	dir, a := t.TempDir(), newAuthority(t)
	a.issue(dir, "server")
	a.issue(dir, "other")
	a.save(filepath.Join(dir, "ca.pem"))
	write(t, filepath.Join(dir, "empty.pem"), "# nothing\n")
	const tlsOf = "tls_server_config: {cert_file: server.pem, key_file: server.key"
	for text, want := range map[string]string{
		"basic_auth_user: {a: b}\n":                                                            "basic_auth_user not found",
		"basic_auth_users: {a: pa55w0rd}\n":                                                    `the password of "a" is no bcrypt hash: make one with "htpasswd`,
		"tls_server_config: {cert_file: server.pem}\n":                                         "missing one of key or key_file",
		"tls_server_config: {cert_file: none.pem, key_file: server.key}\n":                     "none.pem",
		"tls_server_config: {cert_file: server.pem, key_file: other.key}\n":                    "private key does not match",
		tlsOf + ", min_version: TLS99}\n":                                                      "unknown TLS version",
		tlsOf + ", client_auth_type: Sometimes}\n":                                             "invalid ClientAuth",
		tlsOf + ", client_ca_file: ca.pem}\n":                                                  "without a Client Auth Policy",
		tlsOf + ", client_ca_file: none.pem, client_auth_type: RequireAndVerifyClientCert}\n":  "none.pem",
		tlsOf + ", client_ca_file: empty.pem, client_auth_type: RequireAndVerifyClientCert}\n": "no certificate in it",
		tlsOf + ", client_auth_type: VerifyClientCertIfGiven}\n":                               "no client_ca_file is given",
		"http_server_config: {headers: {X-Other: a}}\n":                                        "can not be configured",
		"{": "yaml",
	} {
		path := filepath.Join(dir, "web.yml")
		write(t, path, text)
		var out strings.Builder
		err := run(t.Context(), []string{"trainer", "--name", "x", "--store", t.TempDir(), "--listen", "127.0.0.1:0", "--web.config", path}, strings.NewReader(""), io.Discard, &out)
		if exitCode(err) != 2 || !strings.Contains(out.String(), "web.config: "+path) || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "pa55w0rd") {
			t.Errorf("%q: exit code %d: %s", text, exitCode(err), out.String())
		}
	}
	for _, args := range [][]string{{"--web.config", filepath.Join(dir, "none.yml")}, {"--web.probes", "ajar"}} {
		if err := run(t.Context(), append([]string{"trainer", "--name", "x", "--store", t.TempDir(), "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), io.Discard, io.Discard); exitCode(err) != 2 {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// A listener that asked for passwords when it started does not open when they are taken out of the file.
func TestNoUsersLeftIsClosed(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	write(t, web, users(t))
	l, log := answering(t, Config{Web: WebConfig{Config: web}}, health{})
	ask := func(want int, what string, q request) {
		t.Helper()
		if code, body, _ := send(t, http.DefaultClient, l.url(""), q); code != want {
			t.Errorf("%s: %d %s", what, code, body)
		}
	}
	mine := request{method: "GET", path: "/metrics", user: webUser, pass: webPassword}
	ask(200, "with the password", mine)
	write(t, web, "")
	ask(403, "without users", request{method: "GET", path: "/metrics"})
	ask(403, "without users, with the password", mine)
	write(t, web, "nonsense: 1\n")
	for range 5 {
		ask(500, "with a broken file", mine)
	}
	if n := strings.Count(log.String(), "Unable to parse"); n != 1 {
		t.Errorf("%d lines in the log, wanted one for all requests:\n%s", n, log)
	}
	ask(200, "a probe with a broken file", request{method: "GET", path: "/livez"})
	write(t, web, users(t))
	ask(200, "with the password again", mine)
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	write(t, web, "http_server_config: {headers: {X-Frame-Options: deny}}\n")
	for _, file := range []string{"", web} {
		l, _ := answering(t, Config{Web: WebConfig{Config: file}}, health{})
		for _, p := range []string{"/", "/status.json", "/metrics", "/livez", "/readyz", "/config", "/nothing", "/v1/nothing"} {
			_, _, h := send(t, http.DefaultClient, l.url(""), request{method: "GET", path: p})
			csp := h.Get("Content-Security-Policy")
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
				!strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
				t.Errorf("%s: %v", p, h)
			}
			if file != "" && p != "/livez" && p != "/readyz" && h.Get("X-Frame-Options") != "deny" {
				t.Errorf("%s: the header of the web configuration is missing: %v", p, h)
			}
		}
	}
}

func TestProbesTellWhoMayBeTold(t *testing.T) {
	sick := health{live: []func() error{func() error { return errors.New("the disk /secret is full") }}}
	web := filepath.Join(t.TempDir(), "web.yml")
	write(t, web, users(t))
	l, _ := answering(t, Config{Web: WebConfig{Config: web}}, sick)
	if code, body, _ := send(t, http.DefaultClient, l.url(""), request{method: "GET", path: "/livez"}); code != 503 || !strings.Contains(body, "/secret") {
		t.Errorf("on this host: %d %q", code, body)
	}
	log := new(lockedText)
	p := probe{tests: sick.live, log: slog.New(sparse(slog.NewTextHandler(log, nil)))}
	server := &http.Server{Handler: p}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(ln)
	defer server.Close()
	for range 3 {
		if code, body, _ := send(t, http.DefaultClient, "http://"+ln.Addr().String(), request{method: "GET", path: "/livez"}); code != 503 || body != "not ok\n" {
			t.Errorf("off loopback: %d %q", code, body)
		}
	}
	if n := strings.Count(log.String(), "/secret"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log)
	}
}

func TestPprofIsForThisHost(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "192.0.2.1:6060", "example.com:6060", "[::]:6060", "6060", "127.0.0.1"} {
		var out strings.Builder
		err := run(t.Context(), []string{"trainer", "--name", "x", "--store", t.TempDir(), "--listen", "127.0.0.1:0", "--pprof.listen", address}, strings.NewReader(""), io.Discard, &out)
		if exitCode(err) != 2 || !strings.Contains(out.String(), "pprof.listen is") {
			t.Errorf("%s: exit code %d: %s", address, exitCode(err), out.String())
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	base, _ := startRole(t, "trainer", "--name", "x", "--store", t.TempDir(), "--listen", "127.0.0.1:0", "--pprof.listen", address)
	if code, body, _ := send(t, http.DefaultClient, "http://"+address, request{method: "GET", path: "/debug/pprof/goroutine?debug=1"}); code != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("%d %.100s", code, body)
	}
	if code, _, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/debug/pprof/goroutine"}); code != 404 {
		t.Errorf("the role's own listener has profiles: %d", code)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/debug/pprof/cmdline", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("under another name: %d", resp.StatusCode)
	}
}

func TestConfigCheckOfListenersAndKeys(t *testing.T) {
	const sketch = "sketches: [{topics: [t], channels: [{name: x}]}]\n"
	expect(t, findingsOf(t, sketch+"web: {probes: ajar}\npprof: {listen: \":6060\"}\nserve: {poll: 1ms}\n", "run"),
		"2:7: error: web.probes is", "3:9: error: pprof.listen is", "4:9: error: serve.poll is")
	expect(t, findingsOf(t, sketch+"listen: 0.0.0.0:9464\nweb: {config: /not/there}\nintegrity: {key_file: /not/there, allow_unsigned: true}\n", "run"),
		"3:7: warning: web.config cannot be read here", "4:13: warning: integrity.key_file cannot be read here", "4:35: warning: integrity.allow_unsigned")
}

func TestWarnings(t *testing.T) {
	for a, want := range map[access]string{
		{}: "open to every host", {encrypted: true}: "open to everybody", {asks: true}: "cross the network as they are", {asks: true, encrypted: true}: "",
	} {
		if got := a.warning(); got == "" != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%+v: %q", a, got)
		}
	}
}

// HTTP/2 goes the same way through probes and passwords.
func TestHTTP2AsksToo(t *testing.T) {
	dir, a := t.TempDir(), newAuthority(t)
	a.issue(dir, "server")
	web := filepath.Join(dir, "web.yml")
	write(t, web, "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"+users(t))
	l, _ := answering(t, Config{Web: WebConfig{Config: web}}, health{})
	c := a.client()
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	c.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"h2"}
	for p, want := range map[string]int{"/metrics": 401, "/livez": 200} {
		r, err := c.Get(l.url(p))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want || r.ProtoMajor != 2 {
			t.Errorf("%s: %d by %s", p, r.StatusCode, r.Proto)
		}
	}
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}
