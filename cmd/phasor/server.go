package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"

	"phasor/metrics/status"
)

// newRegistry returns a registry with the process's own metrics.
func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// api is what a role answers beside the page, and how long its requests may still take when the role ends.
type api struct {
	handler http.Handler // Of the paths under /v1/; nil if there are none.
	grace   time.Duration
	routes  map[string]http.Handler // Beside those of every role.
}

// listener is where a role listens, and what it asks of requests.
type listener struct {
	net.Listener
	cfg    Config
	access access
	log    *slog.Logger
	sparse *slog.Logger // For what clients can cause.
}

// listen listens at once, so that a taken port, or a web configuration that cannot be used, is an error of the start.
func listen(cfg Config, log *slog.Logger) (*listener, error) {
	a, err := cfg.Web.access()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: choose another address with --listen", cfg.Listen, err)
	}
	if text := a.warning(); text != "" && !onLoopback(l) {
		log.Warn(text, "listen", l.Addr().String())
	}
	return &listener{l, cfg, a, log, slog.New(sparse(log.Handler()))}, nil
}

func onLoopback(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return !ok || a.IP.IsLoopback()
}

// url is the address of a path.
func (l *listener) url(path string) string {
	scheme := "http"
	if l.access.encrypted {
		scheme = "https"
	}
	return scheme + "://" + l.Addr().String() + path
}

// guard decides who may change something here.
func (l *listener) guard() status.Guard {
	return status.Guard{Loopback: onLoopback(l), Authenticated: l.access.asks}
}

// handler answers for a role. Routes that change something ask the guard of the listener.
func (l *listener) handler(reg *prometheus.Registry, h health, board *status.Board, a api) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.Handle("GET /config", l.guard().Local(http.HandlerFunc(l.config)))
	told := onLoopback(l) || l.access.asks
	mux.Handle("GET /livez", probe{tests: h.live, told: told, log: l.sparse})
	mux.Handle("GET /readyz", probe{tests: h.ready, told: told, log: l.sparse})
	mux.Handle("/", board.Handler())
	for pattern, h := range a.routes {
		if strings.HasPrefix(pattern, "POST ") {
			h = l.guard().Protect(h)
		}
		mux.Handle(pattern, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.handler != nil && strings.HasPrefix(r.URL.Path, "/v1/") {
			a.handler.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// config writes the configuration that holds, without what may be secret.
func (l *listener) config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = l.cfg.print(w) // A failed write means that the reader has gone.
}

// serve serves until the context of wait ends.
func (l *listener) serve(reg *prometheus.Registry, h health, board *status.Board, a api) (wait func(context.Context) error) {
	srv := &http.Server{Handler: l.access.require(l.handler(reg, h, board, a)), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: quiet(l.log)}
	probes := http.NewServeMux()
	probes.Handle("GET /livez", probe{tests: h.live, told: onLoopback(l), log: l.sparse})
	probes.Handle("GET /readyz", probe{tests: h.ready, told: onLoopback(l), log: l.sparse})
	// around is what comes before passwords are asked for.
	around := func(asking http.Handler) http.Handler {
		return harmless(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if l.access.probes && r.Header.Get("Authorization") == "" && (r.URL.Path == "/livez" || r.URL.Path == "/readyz") {
				probes.ServeHTTP(w, r)
				return
			}
			asking.ServeHTTP(w, r)
		}))
	}
	done := make(chan error, 1)
	go func() {
		if l.access.file == "" {
			srv.Handler = around(srv.Handler)
			done <- srv.Serve(l.Listener)
			return
		}
		// The library puts its handler, which asks for passwords, around that of the server before it accepts anything.
		outermost := &prelude{Listener: l.Listener, once: func() { srv.Handler = around(srv.Handler) }}
		done <- web.Serve(outermost, srv, &web.FlagConfig{WebConfigFile: &l.access.file}, l.sparse)
	}()
	return func(ctx context.Context) error {
		var err error
		select {
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second+a.grace)
			defer cancel()
			if err := srv.Shutdown(stop); err != nil {
				srv.Close()
			}
			err = <-done
		case err = <-done:
		}
		if !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// prelude calls once before it first accepts.
type prelude struct {
	net.Listener
	first sync.Once
	once  func()
}

// Accept implements net.Listener.
func (l *prelude) Accept() (net.Conn, error) {
	l.first.Do(l.once)
	return l.Listener.Accept()
}

// harmless adds what keeps other sites from using answers as scripts, frames or pictures of theirs. The page's own
// policy, and headers of the web configuration, stand in their place where there are any.
func harmless(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.ServeHTTP(w, r)
	})
}
