package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"phasor/metrics/status"
)

// newRegistry returns a registry with the process's own metrics.
func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// health is what a role says of itself.
type health struct {
	live, ready []func() error
}

func check(tests []func() error) error {
	var errs []error
	for _, t := range tests {
		errs = append(errs, t())
	}
	return errors.Join(errs...)
}

// api is what a role answers beside the page, and how long its requests may still take when the role ends.
type api struct {
	handler http.Handler // Of the paths under /v1/; nil if there are none.
	grace   time.Duration
	routes  map[string]http.Handler // Beside those of every role.
}

// serveHTTP listens at once, so that a taken port is an error of the start, and serves until the
// context of wait ends.
func serveHTTP(addr string, reg *prometheus.Registry, h health, describe func() status.Page, a api, log *slog.Logger) (bound string, wait func(context.Context) error, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("listening on %s: %w: choose another address with --listen", addr, err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		log.Warn("the page and the metrics are open to every host that reaches this address", "listen", l.Addr().String())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /livez", probe(h.live))
	mux.HandleFunc("GET /readyz", probe(h.ready))
	mux.Handle("GET /", status.Handler(describe))
	for pattern, h := range a.routes {
		mux.Handle(pattern, h)
	}
	var handler http.Handler = mux
	if a.handler != nil {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/") {
				a.handler.ServeHTTP(w, r)
				return
			}
			mux.ServeHTTP(w, r)
		})
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	return l.Addr().String(), func(ctx context.Context) error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second+a.grace)
		defer cancel()
		if err := srv.Shutdown(stop); err != nil {
			srv.Close()
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}

func probe(tests []func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := check(tests); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}
