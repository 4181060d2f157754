package status

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Guard decides who may change something over HTTP: readers of a page of the same origin and programs, and not the pages
// of other sites. The listener must be on loopback, or every request that reaches it must have shown who sent it.
type Guard struct {
	Loopback      bool // The listener takes requests of this host only.
	Authenticated bool // A handler before it has checked credentials.
}

// reason is why nothing may be changed at all; empty if it may.
func (g Guard) reason() string {
	if g.Loopback || g.Authenticated {
		return ""
	}
	return "this address is open to other hosts and asks for no password"
}

var sameOrigin = http.NewCrossOriginProtection()

// Protect returns a handler that calls h for requests that may change something, and refuses others with 403.
func (g Guard) Protect(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.reason() != "":
			http.Error(w, "nothing may be changed here: "+g.reason()+": listen on loopback, or configure authentication", http.StatusForbidden)
		case sameOrigin.Check(r) != nil:
			http.Error(w, "a page of another site may not change anything here", http.StatusForbidden)
		case !g.Authenticated && !local(r.Host):
			http.Error(w, "the name "+strings.ToValidUTF8(r.Host, "?")+" is not that of this host: use localhost", http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// Local returns a handler that calls h for requests that name this host, if the listener is on loopback and nobody shows
// who sends them: a page of another site, whose name was made to lead here, reads nothing.
func (g Guard) Local(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Loopback && !g.Authenticated && !local(r.Host) {
			http.Error(w, "the name "+strings.ToValidUTF8(r.Host, "?")+" is not that of this host: use localhost", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// local says whether a Host header names loopback. Another name that leads here is a trick to make the pages of its owner
// look as if they were ours.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
