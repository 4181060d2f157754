// Package status is the page that a role shows at /: what an operator asks first, without any asset from elsewhere.
//
// The page is rendered by the server from a Page that the role describes, refreshes itself, and is also served as JSON
// at /status.json.
package status

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"time"
)

// Page is what is shown.
type Page struct {
	Title    string    `json:"title"`
	Notice   string    `json:"notice,omitempty"` // What needs attention; empty if nothing does.
	Sections []Section `json:"sections"`
}

// Section is a table of names and values.
type Section struct {
	Name string `json:"name"`
	Rows []Row  `json:"rows"`
}

// Row is one figure, with a word on what it means.
type Row struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Help  string `json:"help,omitempty"`
}

//go:embed page.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// Refresh is how often the page asks for itself anew.
const Refresh = 2 * time.Second

// Handler serves the page at / and its content at /status.json; any other path is not found. describe is called for
// each request, perhaps from several goroutines.
func Handler(describe func() Page) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		headers(w, "text/html; charset=utf-8")
		// A failed write means that the reader has gone.
		_ = page.Execute(w, struct {
			Page
			Refresh int64
		}{describe(), Refresh.Milliseconds()})
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) {
		headers(w, "application/json")
		_ = json.NewEncoder(w).Encode(describe())
	})
	return mux
}

func headers(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'")
}
