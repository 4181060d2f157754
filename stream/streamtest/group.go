package streamtest

import (
	"context"
	"errors"
	"sync"

	"phasor/stream"
)

// Static returns a Source that owns every partition of the topics until its context ends.
func (c *Cluster) Static(topics ...string) stream.Source {
	return c.Group(topics...).Member()
}

// Group returns a group whose running members share the partitions of the topics.
func (c *Cluster) Group(topics ...string) *Group {
	return &Group{c: c, topics: topics, owned: map[partitionKey]*ownership{}}
}

// Group assigns partitions to its running members: partition i of the list of all goes to member i mod n, in the order
// in which members joined. A partition changes hands only after its owner's own has returned.
type Group struct {
	c      *Cluster
	topics []string

	mu      sync.Mutex
	members []*member
	owned   map[partitionKey]*ownership

	rebalance sync.Mutex // One rebalance at a time.
}

type member struct {
	g      *Group
	ctx    context.Context
	cancel context.CancelCauseFunc
	own    func(context.Context, stream.Partition) error
	wg     sync.WaitGroup
}

type ownership struct {
	m      *member
	cancel context.CancelFunc
	done   chan struct{}
}

// Member returns a Source that joins the group while it runs.
func (g *Group) Member() stream.Source { return memberSource{g} }

type memberSource struct{ g *Group }

func (s memberSource) Run(ctx context.Context, own func(context.Context, stream.Partition) error) error {
	g := s.g
	m := &member{g: g, own: own}
	m.ctx, m.cancel = context.WithCancelCause(ctx)
	defer m.cancel(nil)
	g.mu.Lock()
	g.members = append(g.members, m)
	g.mu.Unlock()
	g.Rebalance()
	<-m.ctx.Done()
	m.wg.Wait()
	g.leave(m)
	g.Rebalance()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(m.ctx)
}

func (g *Group) leave(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.members {
		if g.members[i] == m {
			g.members = append(g.members[:i:i], g.members[i+1:]...)
			return
		}
	}
}

// Rebalance gives each partition to the member that should have it. It returns when the partitions that moved have been
// given up by their owners and started by the new ones. It runs by itself when a member joins or leaves.
func (g *Group) Rebalance() { g.assign(false) }

// Restart takes every partition away from its owner and gives it back, as the rebalance of a group does.
func (g *Group) Restart() { g.assign(true) }

func (g *Group) assign(all bool) {
	g.rebalance.Lock()
	defer g.rebalance.Unlock()
	want := g.plan()
	g.mu.Lock()
	var moving []*ownership
	for k, o := range g.owned {
		if all || want[k] != o.m || o.m.ctx.Err() != nil {
			moving = append(moving, o)
			delete(g.owned, k)
		}
	}
	g.mu.Unlock()
	for _, o := range moving {
		o.cancel()
	}
	for _, o := range moving {
		<-o.done
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, m := range want {
		if g.owned[k] == nil && m.ctx.Err() == nil {
			g.start(k, m)
		}
	}
}

func (g *Group) plan() map[partitionKey]*member {
	want := map[partitionKey]*member{}
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.members) == 0 {
		return want
	}
	i := 0
	for _, name := range g.topics {
		if t := g.c.topics[name]; t != nil {
			for p := range t.logs {
				want[partitionKey{name, p}] = g.members[i%len(g.members)]
				i++
			}
		}
	}
	return want
}

// Steal starts the partition at the last member that joined without asking its owner to stop: the owner becomes a
// zombie that does not know it, as one does whose process was paused for longer than its session.
func (g *Group) Steal(topic string, partition int) {
	g.rebalance.Lock()
	defer g.rebalance.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.members); n > 0 {
		g.start(partitionKey{topic, partition}, g.members[n-1])
	}
}

// start is called with the lock held.
func (g *Group) start(k partitionKey, m *member) {
	ctx, cancel := context.WithCancel(m.ctx)
	o := &ownership{m: m, cancel: cancel, done: make(chan struct{})}
	g.owned[k] = o
	p := g.c.Partition(k.topic, k.partition)
	m.wg.Go(func() {
		defer close(o.done)
		defer cancel()
		err := m.own(ctx, p)
		if err != nil && !(ctx.Err() != nil && errors.Is(err, ctx.Err())) {
			m.cancel(err)
		}
	})
}
