package status

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	unsent    = 8                // Events that may wait for a reader; one with more is dropped.
	writeTime = 10 * time.Second // For one event to reach a reader.
)

// hub sends the parts of the page that changed to all readers. Each event is encoded once.
type hub struct {
	most int

	mu     sync.Mutex
	closed bool
	last   view
	to     map[chan []byte]struct{}
}

func newHub(most int) *hub { return &hub{most: most, to: map[chan []byte]struct{}{}} }

func (h *hub) readers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.to)
}

// join returns the events of a reader, of which the first is the whole page. The channel is closed when the reader was
// too slow, or the hub ended. It is nil if there are too many readers, or the hub has ended.
func (h *hub) join(now view) chan []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.to) >= h.most {
		return nil
	}
	c := make(chan []byte, unsent)
	c <- event(now, nil)
	h.to[c] = struct{}{}
	if len(h.to) == 1 {
		h.last = now
	}
	return c
}

func (h *hub) leave(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.to, c)
}

// publish sends what changed since the last event.
func (h *hub) publish(now view) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.to) == 0 {
		return
	}
	e := event(now, h.last.parts)
	h.last = now
	for c := range h.to {
		select {
		case c <- e:
		default:
			close(c)
			delete(h.to, c)
		}
	}
}

// close ends all streams; there are no new ones.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.to {
		close(c)
	}
	clear(h.to)
}

// event encodes the parts of a view that differ from those that a reader has.
func event(v view, have []part) []byte {
	content := struct {
		Title string            `json:"title"`
		IDs   []string          `json:"ids"`
		Parts map[string]string `json:"parts"`
	}{v.title, []string{}, map[string]string{}}
	old := map[string]string{}
	for _, p := range have {
		old[p.id] = p.html
	}
	for _, p := range v.parts {
		content.IDs = append(content.IDs, p.id)
		if had, ok := old[p.id]; !ok || had != p.html {
			content.Parts[p.id] = p.html
		}
	}
	b, err := json.Marshal(content)
	if err != nil { // Texts only.
		panic(err)
	}
	return append(append([]byte("data: "), b...), "\n\n"...)
}

// serve sends events to one reader until it goes, is too slow, or the hub ends.
func (h *hub) serve(w http.ResponseWriter, r *http.Request, now view) {
	c := h.join(now)
	if c == nil {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many readers: close another page, or ask for /status.json", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(c)
	headers(w, "text/event-stream")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // A server without deadlines needs none lifted.
	for {
		select {
		case <-r.Context().Done():
			return
		case e, ok := <-c:
			if !ok {
				return
			}
			_ = control.SetWriteDeadline(time.Now().Add(writeTime)) // As above.
			if _, err := w.Write(e); err != nil {
				return
			}
			if err := control.Flush(); err != nil {
				return
			}
		}
	}
}
