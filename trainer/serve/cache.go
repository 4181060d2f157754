package serve

import (
	"container/list"
	"errors"
	"sync"

	"phasor/trainer/inverse"
)

// errDefect is the error of a solver whose preparation ended in a panic.
var errDefect = errors.New("serve: a solver could not be prepared")

// cache keeps solvers by the kind of measurement that they are prepared for, those used last up to a size. Requests of
// one kind that come together prepare it once.
type cache struct {
	mu    sync.Mutex
	most  int64
	size  int64
	byKey map[string]*list.Element
	order *list.List // The last used first.
}

// entry is a solver that is or will be there.
type entry struct {
	key    string
	size   int64
	once   sync.Once
	solver inverse.Solver
	err    error
}

func newCache(most int64) *cache {
	return &cache{most: most, byKey: map[string]*list.Element{}, order: list.New()}
}

// get returns the solver of a key, which prepare makes if there is none; size is about what it takes in memory.
func (c *cache) get(key string, size int64, prepare func() (inverse.Solver, error)) (inverse.Solver, error) {
	e := c.entry(key, size)
	e.once.Do(func() {
		e.err = errDefect // If prepare does not come back.
		e.solver, e.err = prepare()
	})
	if e.err != nil {
		c.drop(e)
	}
	return e.solver, e.err
}

func (c *cache) entry(key string, size int64) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.byKey[key]; at != nil {
		c.order.MoveToFront(at)
		return at.Value.(*entry)
	}
	e := &entry{key: key, size: size + int64(len(key))}
	c.byKey[key] = c.order.PushFront(e)
	c.size += e.size
	for c.size > c.most && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
	return e
}

// drop forgets an entry that could not be prepared.
func (c *cache) drop(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.byKey[e.key]; at != nil && at.Value.(*entry) == e {
		c.remove(at)
	}
}

func (c *cache) remove(at *list.Element) {
	e := at.Value.(*entry)
	c.order.Remove(at)
	delete(c.byKey, e.key)
	c.size -= e.size
}
