package embedded

import (
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// problems receives the cluster's log. It has errors that it cannot return,
// above all when it completes its files.
type problems struct {
	hook func(error)

	mu         sync.Mutex
	collecting bool
	found      []error
}

// Logf implements [kfake.Logger].
func (p *problems) Logf(level kfake.LogLevel, format string, args ...any) {
	if level <= kfake.LogLevelError {
		p.report(fmt.Errorf("embedded: "+format, args...))
	}
}

func (p *problems) report(err error) {
	p.mu.Lock()
	if p.collecting {
		p.found = append(p.found, err)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	if p.hook != nil {
		p.hook(err)
	}
}

// collect keeps what follows instead of reporting it.
func (p *problems) collect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collecting = true
}

// collected returns what was kept, and ends the keeping.
func (p *problems) collected() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.Join(p.found...)
	p.collecting, p.found = false, nil
	return err
}
