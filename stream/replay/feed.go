package replay

import (
	"context"
	"fmt"
	"io"
	"time"

	"phasor/stream/decode"
)

// Feed is a sequence of rows. It is for the use of one goroutine.
type Feed interface {
	// Channels names the elements of a row. It does not change.
	Channels() []string

	// Next returns the next row and its time in unix milliseconds, -1 if it has
	// none. x stays valid, and may be written to, until the next call. After the
	// last row the error is io.EOF. A *RowError concerns one row only, and
	// reading goes on behind it; any other error is final.
	Next() (x []float64, timeMs int64, err error)
}

// Close releases what a feed holds, if it holds anything. Feeds of files also
// close themselves when they end.
func Close(f Feed) error {
	if c, ok := f.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// RowError says why one row could not be read.
type RowError struct {
	Source string // the file's name
	Line   int    // of the row's beginning, from 1
	Row    bool   // Line counts rows, for the file has no lines
	Column string // the channel at fault, "" if it is the row as a whole
	Reason decode.Reason
}

func (e *RowError) Error() string {
	what := map[decode.Reason]string{
		decode.Decode:    "does not follow the format's grammar",
		decode.Schema:    "is absent, empty or of the wrong type",
		decode.Dimension: "has the wrong number of cells",
		decode.Nonfinite: "is not a finite number",
		decode.Oversize:  "is too long",
		decode.Filtered:  "is not selected",
	}[e.Reason]
	where := "the row"
	if e.Column != "" {
		where = fmt.Sprintf("column %q", e.Column)
	}
	unit := "line"
	if e.Row {
		unit = "row"
	}
	return fmt.Sprintf("replay: %s %s %d: %s %s (%s)", e.Source, unit, e.Line, where, what, e.Reason)
}

// Row is a row as it is produced into a topic.
type Row struct {
	Time       int64 // unix milliseconds, -1: none
	Key, Value []byte
	X          []float64
}

// Rows returns a function that yields the rows of f encoded by e. The row's
// slices stay valid until the next call; errors are those of Feed.Next.
func Rows(f Feed, e Encoder) func() (Row, error) {
	var buffer []byte
	return func() (Row, error) {
		x, ms, err := f.Next()
		if err != nil {
			return Row{Time: -1}, err
		}
		buffer = e.Append(buffer[:0], x, ms)
		return Row{Time: ms, Value: buffer, X: x}, nil
	}
}

// Pace slows f down to rate rows a second and stamps each row with the wall
// clock at which it is returned. Next returns ctx's error when ctx ends. A feed
// that fell behind catches up at most one second's worth of rows.
func Pace(ctx context.Context, f Feed, rate float64) (Feed, error) {
	if !(rate > 0) || rate > 1e9 {
		return nil, fmt.Errorf("replay: a rate of %v rows a second: give one above 0 and up to 1e9", rate)
	}
	return &paced{ctx: ctx, feed: f, step: time.Duration(float64(time.Second) / rate)}, nil
}

type paced struct {
	ctx  context.Context
	feed Feed
	step time.Duration
	next time.Time
}

func (p *paced) Channels() []string { return p.feed.Channels() }

func (p *paced) Close() error { return Close(p.feed) }

func (p *paced) Next() ([]float64, int64, error) {
	x, _, err := p.feed.Next()
	if err != nil {
		return nil, -1, err
	}
	now := time.Now()
	if p.next.IsZero() || now.Sub(p.next) > time.Second {
		p.next = now
	}
	// Timers are coarser than short steps: rows that are due within a
	// millisecond go at once, and the sleep follows in one piece.
	if wait := p.next.Sub(now); wait > time.Millisecond {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-p.ctx.Done():
			return nil, -1, p.ctx.Err()
		case now = <-timer.C:
		}
	} else if err := p.ctx.Err(); err != nil {
		return nil, -1, err
	}
	p.next = p.next.Add(p.step)
	return x, now.UnixMilli(), nil
}
