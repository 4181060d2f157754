package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

var changing = []string{"/models/promote?sketch=press&version=1", "/models/roll-back?sketch=press", "/drift/acknowledge"}

// Without a password nothing of any role answers but the probes.
func TestEveryRoleAsksForThePassword(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t)
	a.issue(dir, "server")
	web := filepath.Join(dir, "web.yml")
	write(t, web, "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"+users(t))
	c := a.client()
	everyRole(t, []string{"--listen", "0.0.0.0:0", "--web.config", web}, func(t *testing.T, role, base string, log *lockedText) {
		if !strings.HasPrefix(base, "https://") || strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%s: %s\n%s", role, base, log)
		}
		paths := []string{"/", "/status.json", "/events", "/metrics", "/config", "/drift.json", "/v1/model", "/v1/openapi.json", "/debug/pprof/", "/livez/", "//livez", "/nothing"}
		var all []request
		for _, p := range paths {
			all = append(all, request{method: "GET", path: p})
		}
		for _, p := range append([]string{"/v1/sample", "/livez", "/readyz"}, changing...) {
			all = append(all, request{method: "POST", path: p})
		}
		for _, q := range all {
			if code, body, h := send(t, c, base, q); code != 401 || h.Get("WWW-Authenticate") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
				if q.method == "POST" && (q.path == "/livez" || q.path == "/readyz") && code == 405 {
					continue
				}
				t.Errorf("%s %s without a password: %d %s", q.method, q.path, code, body)
			}
			q.user, q.pass = webUser, webPassword+"x"
			if code, body, _ := send(t, c, base, q); code != 401 {
				t.Errorf("%s %s with a wrong password: %d %s", q.method, q.path, code, body)
			}
		}
		for _, p := range []string{"/livez", "/readyz"} {
			if code, body, _ := send(t, c, base, request{method: "GET", path: p}); code != 200 && (code != 503 || body != "not ok\n") {
				t.Errorf("%s: %d %q", p, code, body)
			}
			if code, _, _ := send(t, c, base, request{method: "GET", path: p, user: webUser, pass: "x"}); code != 401 {
				t.Errorf("%s with a wrong password: %d", p, code)
			}
			if code, body, _ := send(t, c, base, request{method: "GET", path: p, user: webUser, pass: webPassword}); code != 200 && (code != 503 || len(body) < 10) {
				t.Errorf("%s with the password: %d %q", p, code, body)
			}
		}
		for _, p := range []string{"/", "/status.json", "/events", "/metrics", "/config"} {
			if code, body, _ := send(t, c, base, request{method: "GET", path: p, user: webUser, pass: webPassword}); code != 200 {
				t.Errorf("%s with the password: %d %s", p, code, body)
			}
		}
		for _, p := range changing {
			q := request{method: "POST", path: p, user: webUser, pass: webPassword}
			if code, body, _ := send(t, c, base, q); code == 401 || code == 403 {
				t.Errorf("POST %s with the password: %d %s", p, code, body)
			}
			q.header = map[string]string{"Sec-Fetch-Site": "cross-site"}
			if code, body, _ := send(t, c, base, q); code != 403 && code != 404 && code != 405 || code != 403 && !strings.Contains(p, "drift") {
				t.Errorf("POST %s by another site: %d %s", p, code, body)
			}
			if code, _, _ := send(t, c, base, request{method: "GET", path: p, user: webUser, pass: webPassword}); code != 404 && code != 405 {
				t.Errorf("GET %s: %d", p, code)
			}
		}
	})
}

func TestEveryRoleClosesItsProbesIfTold(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "web.yml"), users(t))
	everyRole(t, []string{"--listen", "127.0.0.1:0", "--web.config", filepath.Join(dir, "web.yml"), "--web.probes", "closed"}, func(t *testing.T, role, base string, _ *lockedText) {
		for _, p := range []string{"/livez", "/readyz"} {
			if code, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: p}); code != 401 {
				t.Errorf("%s: %d %s", p, code, body)
			}
			if code, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: p, user: webUser, pass: webPassword}); code != 200 && code != 503 {
				t.Errorf("%s: %d %s", p, code, body)
			}
		}
	})
}

// Off loopback without a web configuration one line says so, nothing can be changed, and probes do not talk.
func TestEveryRoleWarnsOffLoopback(t *testing.T) {
	everyRole(t, []string{"--listen", "0.0.0.0:0"}, func(t *testing.T, role, base string, log *lockedText) {
		if n := strings.Count(log.String(), "open to every host that reaches this address: listen on loopback, or give --web.config"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, log)
		}
		for _, p := range changing {
			code, body, _ := send(t, http.DefaultClient, base, request{method: "POST", path: p})
			has := !strings.Contains(p, "drift") || role != "sketcher" && role != "serve"
			if has && (code != 403 || !strings.Contains(body, "configure authentication")) || !has && code != 404 && code != 405 {
				t.Errorf("POST %s: %d %s", p, code, body)
			}
		}
		if code, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/readyz"}); code == 503 && body != "not ok\n" {
			t.Errorf("readyz says %q", body)
		}
		for _, p := range []string{"/debug/pprof/", "/debug/vars"} {
			if code, _, _ := send(t, http.DefaultClient, base, request{method: "GET", path: p}); code != 404 {
				t.Errorf("%s: %d", p, code)
			}
		}
	})
	everyRole(t, []string{"--listen", "127.0.0.1:0"}, func(t *testing.T, role, base string, log *lockedText) {
		if strings.Contains(log.String(), "level=WARN") {
			t.Errorf("on loopback there is nothing to warn of:\n%s", log)
		}
		if code, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/readyz"}); code == 503 && body == "not ok\n" {
			t.Error("readyz says nothing to who is on this host")
		}
		for _, p := range changing[:2] {
			if code, body, _ := send(t, http.DefaultClient, base, request{method: "POST", path: p}); code == 403 {
				t.Errorf("POST %s: %s", p, body)
			}
			if code, _, _ := send(t, http.DefaultClient, base, request{method: "POST", path: p, header: map[string]string{"Origin": "https://evil.example"}}); code != 403 {
				t.Errorf("POST %s by another site: %d", p, code)
			}
		}
		code, body, _ := send(t, http.DefaultClient, base, request{method: "GET", path: "/config"})
		if code != 200 || !strings.Contains(body, "listen: 127.0.0.1:0") {
			t.Errorf("config: %d %s", code, body)
		}
	})
}
