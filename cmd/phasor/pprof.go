package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"phasor/metrics/status"
)

// PprofConfig is where Go's profiles are served: a listener of its own, for who is on this host.
type PprofConfig struct {
	Listen string `yaml:"listen"` // Empty: nowhere.
}

// Validate refuses addresses that other hosts may reach.
func (c PprofConfig) Validate() error {
	if c.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return usagef("pprof.listen is %q: write it like 127.0.0.1:6060", c.Listen)
	}
	if !loopback(host) {
		return usagef("pprof.listen is %q: profiles show memory and are for this host only: write 127.0.0.1 or localhost before the port", c.Listen)
	}
	return nil
}

// startPprof serves profiles until stop is called.
func startPprof(c PprofConfig, log *slog.Logger) (stop func(), err error) {
	if c.Listen == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: choose another address with --pprof.listen", c.Listen, err)
	}
	if !onLoopback(l) { // A name that the system resolves to something else.
		l.Close()
		return nil, usagef("pprof.listen is %q, which is %s: it is not on loopback", c.Listen, l.Addr())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: harmless(status.Guard{Loopback: true}.Local(mux)), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: quiet(log)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	log.Info("profiles", "address", "http://"+l.Addr().String()+"/debug/pprof/")
	return func() {
		_ = srv.Shutdown(canceled()) // Nobody waits for a profile of a process that ends.
		srv.Close()
		<-done
	}, nil
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
