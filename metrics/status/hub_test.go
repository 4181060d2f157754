package status

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

// events reads a stream of events.
type events struct{ r *bufio.Reader }

func newEvents(r io.Reader) events { return events{bufio.NewReader(r)} }

func (e events) next(t *testing.T) told {
	t.Helper()
	line, err := e.r.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.r.ReadBytes('\n'); err != nil {
		t.Fatal(err)
	}
	return decoded(t, line)
}

func (e events) more() bool {
	_, err := e.r.ReadBytes('\n')
	return err == nil
}

func shown(parts ...part) view { return view{"Phasor", parts} }

// A reader gets everything once, and then what changed; all readers get the very same bytes.
func TestReadersGetWhatChanged(t *testing.T) {
	h := newHub(10)
	now := shown(part{"a", "1"}, part{"b", "1"})
	first, second := h.join(now), h.join(now)
	for _, c := range []chan []byte{first, second} {
		if e := decoded(t, <-c); len(e.Parts) != 2 || len(e.IDs) != 2 {
			t.Fatalf("%+v", e)
		}
	}
	h.publish(shown(part{"a", "1"}, part{"b", "2"}))
	x, y := <-first, <-second
	if &x[0] != &y[0] {
		t.Error("an event is encoded for each reader")
	}
	if e := decoded(t, x); len(e.Parts) != 1 || e.Parts["b"] != "2" || len(e.IDs) != 2 {
		t.Errorf("%+v", e)
	}
	h.publish(shown(part{"b", "2"}, part{"c", "1"}))
	if e := decoded(t, <-first); len(e.Parts) != 1 || e.Parts["c"] != "1" || strings.Join(e.IDs, " ") != "b c" {
		t.Errorf("%+v", e)
	}
	late := h.join(shown(part{"b", "3"}, part{"c", "1"})) // It has seen more than the others.
	<-late
	h.publish(shown(part{"b", "3"}, part{"c", "1"}))
	<-second
	if e := decoded(t, <-second); e.Parts["b"] != "3" {
		t.Errorf("a reader missed what another one had seen: %+v", e)
	}
	h.leave(first)
	if h.readers() != 2 {
		t.Errorf("%d readers", h.readers())
	}
}

func TestReadersAreBounded(t *testing.T) {
	h := newHub(2)
	a, b := h.join(shown()), h.join(shown())
	if a == nil || b == nil || h.join(shown()) != nil {
		t.Error("two readers are not all there may be")
	}
	h.leave(a)
	if h.join(shown()) == nil {
		t.Error("the place of a reader that went stays taken")
	}
}

// A reader that takes nothing is dropped and holds nobody up.
func TestSlowReadersAreDropped(t *testing.T) {
	h := newHub(2)
	slow, quick := h.join(shown()), h.join(shown())
	for i := range 3 * unsent {
		h.publish(shown(part{"a", strings.Repeat("x", i)}))
		for len(quick) > 0 {
			<-quick
		}
	}
	if h.readers() != 1 {
		t.Errorf("%d readers", h.readers())
	}
	for range slow { // It ends.
	}
}

// A reader whose connection takes no bytes is let go although nothing else ends it, and a server's own deadlines do not
// end a stream that is read.
func TestStreamsOutliveTheServersDeadlines(t *testing.T) {
	b := New(Config{Every: 20 * time.Millisecond, Title: "x"})
	done := make(chan error, 1)
	ctx := t.Context()
	s := httptest.NewUnstartedServer(b.Handler())
	s.Config.ReadTimeout, s.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	s.Start()
	defer s.Close()
	defer b.hub.close()
	go func() { done <- b.Run(ctx) }()
	r, err := http.Get(s.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	e := newEvents(r.Body)
	for began := time.Now(); time.Since(began) < time.Second; {
		e.next(t)
	}
}

// Readers that go away leave no goroutine and no place.
func TestReadersThatGoLeaveNothing(t *testing.T) {
	b := New(Config{Readers: 3})
	s := httptest.NewServer(b.Handler())
	defer s.Close()
	for range 5 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	wait(t, "all readers gone", func() bool { return b.hub.readers() == 0 })
}
