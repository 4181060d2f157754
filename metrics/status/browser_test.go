package status

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"phasor/metrics/status/browsertest"
)

// shownBy is a board that shows what describe says, and lets everything be changed.
func shownBy(t *testing.T, describe func() Page) *Board {
	b := New(Config{Every: 200 * time.Millisecond, Guard: Guard{Loopback: true}})
	b.page = describe
	go b.Run(t.Context())
	t.Cleanup(b.hub.close)
	return b
}

func TestPageInABrowser(t *testing.T) {
	var count atomic.Int64
	var away atomic.Bool
	var mu sync.Mutex
	var asked []string
	board := shownBy(t, func() Page {
		p := example()
		p.Sketches[0].Stream.Folded = count.Load()
		if count.Load() > 0 {
			p.Notices = p.Notices[:1]
		}
		return p
	})
	handler := board.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case away.Load():
			w.WriteHeader(http.StatusBadGateway)
		case r.Method == http.MethodPost:
			mu.Lock()
			asked = append(asked, r.URL.String()+" "+r.Header.Get("Sec-Fetch-Site"))
			mu.Unlock()
			if strings.Contains(r.URL.Path, "promote") {
				http.Error(w, "there is no such version", http.StatusNotFound)
			}
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	defer board.hub.close()
	b := browsertest.Open(t)
	const folded = `document.querySelector('[data-figure=folded]').textContent`

	for _, c := range []struct {
		name          string
		width, height int64
		scheme        string
	}{{"desk-light", 1280, 800, "light"}, {"desk-dark", 1280, 800, "dark"}, {"phone-light", 360, 740, "light"}, {"phone-dark", 360, 740, "dark"}} {
		b.Show(server.URL, c.width, c.height, c.scheme)
		b.Wait(`document.getElementById('state').textContent === 'live'`)
		if w := browsertest.Eval[int64](b, `document.documentElement.scrollWidth`); w > c.width {
			t.Errorf("%s: the page is %d pixels wide", c.name, w)
		}
		if cut := browsertest.Eval[string](b, `[...document.querySelectorAll('h1, h2, h3, p, dd, dt, li, button, figcaption')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent).join('|')`); cut != "" {
			t.Errorf("%s: texts are cut off: %s", c.name, cut)
		}
		if low := browsertest.Eval[string](b, browsertest.LowContrast); low != "" {
			t.Errorf("%s: hard to read: %s", c.name, low)
		}
		if n := browsertest.Eval[int](b, `document.querySelectorAll('[role=alert]').length`); n != 2 {
			t.Errorf("%s: %d notices", c.name, n)
		}
		if n := browsertest.Eval[int](b, `[...document.querySelectorAll('svg[role=img]')].filter(e => !e.ariaLabel || e.getBoundingClientRect().width < 90).length`); n != 0 {
			t.Errorf("%s: %d pictures say nothing, or have no room", c.name, n)
		}
		b.Keep(c.name)
	}

	// It updates itself, without another load and without moving what is read or losing the focus.
	browsertest.Eval[float64](b, `document.getElementById('s0-model-back').focus({preventScroll: true}); window.scrollTo(0, 900); window.mark = document.getElementById('s0-stream').getBoundingClientRect().top`)
	count.Store(4321)
	b.Wait(folded + ` === '4,321'`)
	if got := browsertest.Eval[string](b, `[Math.abs(window.mark - document.getElementById('s0-stream').getBoundingClientRect().top) < 3, document.activeElement.id, document.querySelectorAll('main').length, document.querySelectorAll('[role=alert]').length].join(' ')`); got != "true s0-model-back 1 1" {
		t.Errorf("the page was loaded anew, moved, lost the focus, or kept what is gone: %s", got)
	}

	// A button asks, and nothing happens unless the answer is yes.
	press := func(button, answer string) {
		browsertest.Eval[bool](b, `document.getElementById('said').textContent = '', document.getElementById('`+button+`').click(), document.getElementById('ask').open`)
		b.Keep("ask-" + button)
		browsertest.Eval[bool](b, `document.getElementById('`+answer+`').click(), true`)
	}
	press("s0-model-back", "no")
	press("s0-model-back", "yes")
	b.Wait(`document.getElementById('said').textContent === 'Done.'`)
	press("acknowledge-press-line-4", "yes")
	b.Wait(`document.getElementById('said').textContent === 'Done.'`)
	b.Quiet()
	press("s0-model-1", "yes") // The browser's own log has the answer of 404.
	b.Wait(`document.getElementById('said').textContent.startsWith('there is no such version')`)
	mu.Lock()
	alarm := fmt.Sprint("&pane=", example().Sketches[0].Drift.Latched.Pane)
	want := []string{"/models/roll-back?sketch=press-line-4 same-origin", "/drift/acknowledge?sketch=press-line-4" + alarm + " same-origin", "/models/promote?sketch=press-line-4&version=1 same-origin"}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("asked for %q, wanted %q", asked, want)
	}
	mu.Unlock()

	// It says so when nobody answers, and recovers.
	away.Store(true)
	server.CloseClientConnections()
	b.Wait(`document.getElementById('state').textContent.startsWith('no answer since')`)
	b.Keep("away")
	if text := browsertest.Eval[string](b, folded); text != "4,321" {
		t.Errorf("the last value is gone: %q", text)
	}
	away.Store(false)
	b.Wait(`document.getElementById('state').textContent === 'live'`)
}

// A page of another origin gets nothing done: neither through a browser that says where a request comes from, nor by
// what it may read.
func TestOtherSitesInABrowser(t *testing.T) {
	done := make(chan string, 10)
	guard := Guard{Loopback: true}
	server := httptest.NewServer(guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { done <- r.URL.Path })))
	defer server.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><footer>other</footer>`)
	}))
	defer other.Close()
	b := browsertest.Open(t)
	b.Show(strings.Replace(other.URL, "127.0.0.1", "localhost", 1), 360, 740, "light")
	browsertest.Eval[bool](b, `fetch('`+server.URL+`/models/roll-back?sketch=a', {method: 'POST', mode: 'no-cors'}).then(() => window.sent = true), true`)
	b.Wait(`window.sent === true`)
	browsertest.Eval[bool](b, `(() => {
		const f = document.createElement('form'), i = document.createElement('iframe');
		i.name = f.target = 'answer'; f.method = 'post'; f.action = '`+server.URL+`/models/promote?sketch=a&version=1';
		document.body.append(f, i);
		i.onload = () => window.answered = true;
		f.submit();
		return true;
	})()`)
	b.Wait(`window.answered === true`)
	select {
	case path := <-done:
		t.Errorf("%s was done for a page of another site", path)
	default:
	}
}

func TestHostileNamesInABrowser(t *testing.T) {
	all := example()
	all.Sketches, all.Notices = nil, nil
	for _, name := range hostile {
		p := named(name)
		all.Title, all.Sketches, all.Notices = name, append(all.Sketches, p.Sketches...), append(all.Notices, p.Notices...)
	}
	all.Sketches[0].Shapes.Channels[0].Channel = strings.Repeat("wide", 200)
	all.Sketches[0].Stream.Topics[0] = strings.Repeat("wide", 200)
	var changed atomic.Bool
	board := shownBy(t, func() Page {
		p := all
		if changed.Load() {
			p.Role = "changed"
		}
		return p
	})
	server := httptest.NewServer(board.Handler())
	defer server.Close()
	defer board.hub.close()
	b := browsertest.Open(t)
	b.Show(server.URL, 360, 740, "light")
	changed.Store(true)
	b.Wait(`document.getElementById('top').textContent.includes('changed')`) // It has updated itself.
	if n := browsertest.Eval[int](b, `document.querySelectorAll('main > section').length`); n != 1+7*len(hostile) {
		t.Errorf("%d sections, wanted %d", n, 1+7*len(hostile))
	}
	if n := browsertest.Eval[int](b, `document.scripts.length + document.images.length`); n != 1 {
		t.Errorf("%d scripts and images, wanted the page's own script", n)
	}
	if w := browsertest.Eval[int64](b, `document.documentElement.scrollWidth`); w > 360 {
		t.Errorf("the page is %d pixels wide", w)
	}
	b.Quiet()
}
