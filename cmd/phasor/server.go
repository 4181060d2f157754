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

// listen listens at once, so that a taken port is an error of the start.
func listen(addr string, log *slog.Logger) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: choose another address with --listen", addr, err)
	}
	if !onLoopback(l) {
		log.Warn("the page and the metrics are open to every host that reaches this address", "listen", l.Addr().String())
	}
	return l, nil
}

func onLoopback(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return !ok || a.IP.IsLoopback()
}

// guard decides who may change something at an address.
func guard(l net.Listener) status.Guard {
	return status.Guard{Loopback: onLoopback(l)}
}

// serveHTTP serves until the context of wait ends. Routes that change something ask the guard of the listener.
func serveHTTP(l net.Listener, reg *prometheus.Registry, h health, board *status.Board, a api) (wait func(context.Context) error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /livez", probe(h.live))
	mux.HandleFunc("GET /readyz", probe(h.ready))
	mux.Handle("/", board.Handler())
	for pattern, h := range a.routes {
		if strings.HasPrefix(pattern, "POST ") {
			h = guard(l).Protect(h)
		}
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
	return func(ctx context.Context) error {
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
	}
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
