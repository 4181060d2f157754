package status

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyTheOwnPageChangesAnything(t *testing.T) {
	local, open, known := Guard{Loopback: true}, Guard{}, Guard{Authenticated: true}
	for _, c := range []struct {
		guard              Guard
		host, site, origin string
		want               int
	}{
		{local, "localhost:9464", "same-origin", "", 200},
		{local, "127.0.0.1:9464", "same-origin", "http://127.0.0.1:9464", 200},
		{local, "[::1]:9464", "", "", 200}, // A program.
		{local, "localhost:9464", "cross-site", "", 403},
		{local, "localhost:9464", "same-site", "", 403},
		{local, "localhost:9464", "", "http://evil.example", 403},
		{local, "evil.example:9464", "same-origin", "http://evil.example:9464", 403}, // A name that was made to lead here.
		{local, "192.168.1.1:9464", "same-origin", "", 403},
		{open, "localhost:9464", "same-origin", "", 403},
		{open, "phasor.example", "", "", 403},
		{known, "phasor.example", "same-origin", "https://phasor.example", 200},
		{known, "phasor.example", "cross-site", "https://evil.example", 403},
		{known, "phasor.example", "", "https://evil.example", 403},
	} {
		done := false
		h := c.guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { done = true }))
		r := httptest.NewRequest("POST", "/models/promote", nil)
		r.Host = c.host
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want || done != (c.want == 200) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestOtherNamesReadNothingLocal(t *testing.T) {
	for _, c := range []struct {
		guard Guard
		host  string
		want  int
	}{
		{Guard{Loopback: true}, "localhost:9464", 200},
		{Guard{Loopback: true}, "127.0.0.1:9464", 200},
		{Guard{Loopback: true}, "evil.example:9464", 403},
		{Guard{Loopback: true, Authenticated: true}, "phasor.example", 200},
		{Guard{}, "phasor.example:9464", 200},
	} {
		h := c.guard.Local(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest("GET", "/config", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

// The board asks the guard before it looks at what is asked for.
func TestBoardAsksItsGuard(t *testing.T) {
	for _, path := range []string{"/models/promote?sketch=a&version=1", "/models/roll-back?sketch=a"} {
		for want, g := range map[int]Guard{403: {}, 404: {Authenticated: true}} {
			if r := get(t, New(Config{Guard: g}), "POST", path); r.StatusCode != want {
				t.Errorf("%s with %+v: %d", path, g, r.StatusCode)
			}
		}
	}
	for _, path := range []string{"/models/promote?sketch=a", "/models/promote?sketch=a&version=0", "/models/promote?sketch=a&version=x"} {
		if r := get(t, New(Config{Guard: Guard{Authenticated: true}}), "POST", path); r.StatusCode != 400 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if New(Config{}).Page().Refusal == "" || New(Config{Guard: Guard{Loopback: true}}).Page().Refusal != "" {
		t.Error("the page does not say whether something may be changed")
	}
}
