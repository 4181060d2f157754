package main

import (
	"context"
	"io"
	"sync"
)

// interruptible is a reader whose Read ends when the context does, although the one behind it, a pipe that nobody
// writes to, would not.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	once sync.Once
	ask  chan int
	got  chan chunk
	rest []byte
	err  error
}

type chunk struct {
	b   []byte
	err error
}

// Read implements io.Reader.
func (s *interruptible) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.err == nil {
		s.once.Do(s.start)
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case s.ask <- len(p):
		}
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case c := <-s.got:
			s.rest, s.err = c.b, c.err
		}
	}
	if len(s.rest) == 0 {
		return 0, s.err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// start begins to read behind Read. The goroutine may stay in a Read that never returns: it ends with the process.
func (s *interruptible) start() {
	s.ask, s.got = make(chan int), make(chan chunk, 1)
	go func() {
		var b []byte
		for {
			select {
			case <-s.ctx.Done():
				return
			case n := <-s.ask:
				if cap(b) < n {
					b = make([]byte, n)
				}
				n, err := s.r.Read(b[:n])
				s.got <- chunk{b[:n], err}
				if err != nil {
					return
				}
			}
		}
	}()
}
