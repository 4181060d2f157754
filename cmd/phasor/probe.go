package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

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

// probe answers ok, or that something is wrong. What it is goes to the log unless who asks may be told.
type probe struct {
	tests []func() error
	told  bool
	log   *slog.Logger
}

// ServeHTTP implements http.Handler.
func (p probe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	err := check(p.tests)
	if err == nil {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	if p.told {
		fmt.Fprintln(w, err)
		return
	}
	p.log.Info("a probe failed", "path", r.URL.Path, "err", err)
	fmt.Fprintln(w, "not ok")
}
