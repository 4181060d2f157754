package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// problem is an error of a request, as RFC 9457 has it. Detail says what to do about it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

func problemf(status int, format string, a ...any) *problem {
	return &problem{http.StatusText(status), status, fmt.Sprintf(format, a...)}
}

// malformed and unanswerable are problems of a body: it cannot be read, or what it asks for cannot be.
func malformed(format string, a ...any) *problem {
	return problemf(http.StatusBadRequest, format, a...)
}
func unanswerable(format string, a ...any) *problem {
	return problemf(http.StatusUnprocessableEntity, format, a...)
}

func (p *problem) write(w http.ResponseWriter) {
	b, err := json.Marshal(p)
	if err != nil { // Two texts and a number always have JSON.
		panic(err)
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	reply(w, p.Status, "application/problem+json", b)
}

func reply(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", fmt.Sprint(len(body)+1))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // A failed write means that the client has gone.
}
