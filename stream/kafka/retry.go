package kafka

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives the waits between the attempts at one thing: they double from 50 ms to 5 s, each shortened by a random
// part of up to half, so that the partitions of a broker that returns do not come back as one.
type backoff struct{ attempts int }

const (
	firstWait = 50 * time.Millisecond
	lastWait  = 5 * time.Second
)

func (b *backoff) next() time.Duration {
	d := min(firstWait<<min(b.attempts, 10), lastWait)
	b.attempts++
	return d - rand.N(d/2)
}

func (b *backoff) reset() { b.attempts = 0 }

// sleep waits, and returns the error of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
