package main

import (
	"context"
	"log"
	"log/slog"
	"sync"
	"time"
)

// sparseEvery is the least time between two records of one message.
const sparseEvery = 10 * time.Second

// sparseHandler passes each message on at a bounded rate: what makes a server log is in the hands of its clients.
type sparseHandler struct {
	slog.Handler
	mu   *sync.Mutex
	last map[string]time.Time
}

// sparse returns a handler for records whose messages are few.
func sparse(h slog.Handler) slog.Handler {
	return &sparseHandler{h, new(sync.Mutex), map[string]time.Time{}}
}

// Handle implements slog.Handler.
func (s *sparseHandler) Handle(ctx context.Context, r slog.Record) error {
	s.mu.Lock()
	now := time.Now()
	again := now.Sub(s.last[r.Message]) < sparseEvery && !s.last[r.Message].IsZero()
	if !again {
		s.last[r.Message] = now
	}
	s.mu.Unlock()
	if again {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *sparseHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &sparseHandler{s.Handler.WithAttrs(a), s.mu, s.last}
}

// WithGroup implements slog.Handler.
func (s *sparseHandler) WithGroup(name string) slog.Handler {
	return &sparseHandler{s.Handler.WithGroup(name), s.mu, s.last}
}

// quiet is the log of a server about connections that went wrong.
func quiet(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }
