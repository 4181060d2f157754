// Package status is the page that a role shows at /: what an operator asks first, without any asset from elsewhere.
//
// The page is rendered by the server from a Page that the role describes, refreshes itself, and is also served as JSON
// at /status.json.
package status

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
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
		w.Write(render(describe())) // A failed write means that the reader has gone.
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) {
		p := describe()
		if p.Sections == nil {
			p.Sections = []Section{} // A list, not null.
		}
		headers(w, "application/json")
		_ = json.NewEncoder(w).Encode(p) // As above.
	})
	return mux
}

func render(p Page) []byte {
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		Page
		Refresh int64
	}{p, Refresh.Milliseconds()})
	if err != nil { // The template has no function that fails, and a Page holds text only.
		panic(err)
	}
	return b.Bytes()
}

// policy allows the page its own style and script, by their hashes, and requests to where it came from: whatever a
// channel or a topic is called, nothing else runs.
var policy = "default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src " +
	hashOf("style") + "; script-src " + hashOf("script")

// hashOf is the source expression of the content of the page's only element of a name.
func hashOf(element string) string {
	_, rest, _ := bytes.Cut(render(Page{}), []byte("<"+element+">"))
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
