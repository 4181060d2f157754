package streamtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"phasor/stream"
)

func readTo(t *testing.T, r stream.Reader, end int64) (values []string) {
	t.Helper()
	for next := int64(-1); next < end; {
		b, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Records {
			values = append(values, string(b.Records[i].Value))
		}
		next = b.Next
	}
	return values
}

func TestReadOverHoles(t *testing.T) {
	c := New(map[string]int{"t": 1})
	c.MaxBatch = 2
	c.Append("t", 0, Values("a", "b", "c")...)
	c.Skip("t", 0, 3)
	c.Append("t", 0, Values("d")...)
	c.Remove("t", 0, 1)
	c.Skip("t", 0, 1)
	r := c.Partition("t", 0).Read(0)
	defer r.Close()
	if got, want := readTo(t, r, 8), []string{"a", "c", "d"}; !slices.Equal(got, want) {
		t.Fatalf("read %q, want %q", got, want)
	}
	b, err := r.Read(t.Context())
	if err != nil || len(b.Records) != 0 || b.Next != 8 || b.HighWatermark != 8 {
		t.Fatalf("at the end: %+v, %v; want an empty batch at 8 of 8", b, err)
	}
}

func TestDeliveredBytesAreOverwritten(t *testing.T) {
	c := New(map[string]int{"t": 1})
	c.Append("t", 0, Values("kept")...)
	r := c.Partition("t", 0).Read(0)
	b, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := b.Records[0].Value
	r.Close()
	if string(v) == "kept" {
		t.Fatal("a value outlived its Reader")
	}
	if _, err := r.Read(t.Context()); !errors.Is(err, stream.ErrClosed) {
		t.Fatalf("reading a closed Reader: %v", err)
	}
	if rec, ok, _ := c.Partition("t", 0).At(t.Context(), 0); !ok || string(rec.Value) != "kept" {
		t.Fatal("the log itself was overwritten")
	}
}

func TestLogFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(c *Cluster)
		want error
	}{
		{"truncated", func(c *Cluster) { c.Truncate("t", 0, 1) }, stream.ErrTruncated},
		{"retention", func(c *Cluster) { c.Retain("t", 0, 3) }, stream.ErrRetention},
		{"recreated", func(c *Cluster) { c.Recreate("t", 1) }, stream.ErrRecreated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := New(map[string]int{"t": 1})
			c.Append("t", 0, Values("a", "b", "c")...)
			r := c.Partition("t", 0).Read(2)
			defer r.Close()
			tc.do(c)
			if _, err := r.Read(t.Context()); !errors.Is(err, tc.want) {
				t.Fatalf("Read: %v, want %v", err, tc.want)
			}
		})
	}
}

func TestGroupHandsOverAfterOwnReturned(t *testing.T) {
	c := New(map[string]int{"t": 4})
	g := c.Group("t")
	var mu sync.Mutex
	owners := map[int]int{}
	starts := 0
	four := make(chan struct{})
	own := func(ctx context.Context, p stream.Partition) error {
		mu.Lock()
		owners[p.ID().Partition]++
		if starts++; starts == 4 {
			close(four)
		}
		n := owners[p.ID().Partition]
		mu.Unlock()
		if n != 1 {
			return fmt.Errorf("%v has %d owners", p.ID(), n)
		}
		<-ctx.Done()
		time.Sleep(time.Millisecond) // Saving takes a while.
		mu.Lock()
		owners[p.ID().Partition]--
		mu.Unlock()
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 3)
	for range 3 {
		go func() { errs <- g.Member().Run(ctx, own) }()
	}
	<-four
	for range 5 {
		g.Restart()
	}
	cancel()
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if starts < 24 {
		t.Errorf("%d ownerships of 4 partitions in 6 assignments, want at least 24", starts)
	}
}

func TestStealMakesZombie(t *testing.T) {
	c := New(map[string]int{"t": 1})
	g := c.Group("t")
	ctx, cancel := context.WithCancel(t.Context())
	owners := make(chan int, 2)
	done := make(chan error, 1)
	go func() {
		done <- g.Member().Run(ctx, func(ctx context.Context, p stream.Partition) error {
			owners <- p.ID().Partition
			<-ctx.Done()
			return nil
		})
	}()
	<-owners
	g.Steal("t", 0)
	<-owners
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestOwnErrorEndsRun(t *testing.T) {
	c := New(map[string]int{"t": 2})
	boom := errors.New("boom")
	err := c.Static("t").Run(t.Context(), func(ctx context.Context, p stream.Partition) error {
		if p.ID().Partition == 1 {
			return boom
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, boom) {
		t.Fatalf("Run: %v, want %v", err, boom)
	}
}
