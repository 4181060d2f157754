package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows progress on a terminal and is silent anywhere else.
type bar struct{ b *progressbar.ProgressBar }

// newBar returns a bar of total units; -1 shows a count without an end.
func newBar(e *env, what string, total int64) bar {
	f, ok := e.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return bar{}
	}
	return bar{progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

// Errors of a bar concern the terminal only, so they are dropped.

func (b bar) set(n, total int64) {
	if b.b != nil {
		b.b.ChangeMax64(total)
		_ = b.b.Set64(n)
	}
}

func (b bar) add(n int64) {
	if b.b != nil {
		_ = b.b.Add64(n)
	}
}

func (b bar) close() {
	if b.b != nil {
		_ = b.b.Finish()
	}
}
