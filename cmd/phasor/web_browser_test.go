package main

import (
	"path/filepath"
	"strings"
	"testing"

	"phasor/metrics/status/browsertest"
)

// With a password the page works as it does without one, off loopback as well: it updates itself, and its own requests may
// change something.
func TestPageBehindAPasswordInABrowser(t *testing.T) {
	web := filepath.Join(t.TempDir(), "web.yml")
	write(t, web, users(t))
	base, _ := startRole(t, "demo", "--store", t.TempDir(), "--listen", "0.0.0.0:0", "--web.config", web)
	b := browsertest.Open(t)
	b.Show(strings.Replace(base, "://", "://"+webUser+":"+webPassword+"@", 1)+"/", 1280, 800, "light")
	b.Show(base+"/", 1280, 800, "light") // The browser knows the password by now; an address that holds it makes requests of the page fail.
	b.Wait(`document.getElementById('state').textContent === 'live'`)
	b.Wait(`Number(document.querySelector('[data-figure=folded]').textContent.replaceAll(',', '')) > 0`)
	b.Quiet()
	browsertest.Eval[bool](b, `fetch('/drift/acknowledge?sketch=demo', {method: 'POST'}).then(r => window.answer = r.status), true`)
	b.Wait(`window.answer`)
	if code := browsertest.Eval[int](b, `window.answer`); code != 409 { // No alarm is latched. The browser's own log has the answer.
		t.Errorf("acknowledge: %d", code)
	}
	if text := browsertest.Eval[string](b, `document.body.textContent`); strings.Contains(text, "asks for no password") {
		t.Error("the page says that nothing may be changed")
	}
}
