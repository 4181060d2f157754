package status

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"phasor/snapshot"
)

// Handler answers at the paths of the package's documentation; any other path is not found.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		b.settled(r.Context())
		headers(w, "text/html; charset=utf-8")
		w.Write(document(b.page())) // A failed write means that the reader has gone.
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) {
		b.settled(r.Context())
		headers(w, "application/json")
		_ = json.NewEncoder(w).Encode(b.page()) // As above.
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		b.reading()
		b.hub.serve(w, r, render(b.page()))
	})
	mux.Handle("POST /models/promote", b.cfg.Guard.Protect(http.HandlerFunc(b.promote)))
	mux.Handle("POST /models/roll-back", b.cfg.Guard.Protect(http.HandlerFunc(b.rollBack)))
	return mux
}

func (b *Board) promote(w http.ResponseWriter, r *http.Request) {
	version, err := strconv.Atoi(r.URL.Query().Get("version"))
	if err != nil || version < 1 {
		http.Error(w, "name a version: ?sketch=NAME&version=N", http.StatusBadRequest)
		return
	}
	b.change(w, r, version)
}

func (b *Board) rollBack(w http.ResponseWriter, r *http.Request) { b.change(w, r, 0) }

// change serves a version of the sketch that the request names, or the one before.
func (b *Board) change(w http.ResponseWriter, r *http.Request, version int) {
	sketch := r.URL.Query().Get("sketch")
	var l *library
	b.mu.Lock()
	for _, p := range b.panels {
		if p.name == sketch {
			l = p.models
		}
	}
	b.mu.Unlock()
	if l == nil {
		http.Error(w, fmt.Sprintf("there are no models of a sketch %q here", sketch), http.StatusNotFound)
		return
	}
	served, err := l.promote(r.Context(), version)
	switch {
	case errors.Is(err, snapshot.ErrNotExist):
		http.Error(w, fmt.Sprintf("sketch %q has no version %d: %v", sketch, version, err), http.StatusNotFound)
	case errors.As(err, &refused{}):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		headers(w, "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"sketch": sketch, "version": served}) // As above.
	}
}

// policy allows the page its own style and script, by their hashes, and requests to where it came from: whatever a
// channel or a topic is called, nothing else runs.
var policy = "default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src " +
	hashOf("style") + "; script-src " + hashOf("script")

// hashOf is the source expression of the content of the page's only element of a name.
func hashOf(element string) string {
	_, rest, _ := bytes.Cut(document(Page{}), []byte("<"+element+">"))
	content, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func headers(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
}
