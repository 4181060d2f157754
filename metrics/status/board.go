package status

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"phasor/metrics"
	"phasor/sketcher"
	"phasor/snapshot"
	"phasor/trainer"
	"phasor/trainer/serve"
)

// Config is what a Board shows beside what it hears.
type Config struct {
	Title string
	Role  string // run, sketcher, trainer or serve.
	API   bool   // The process answers under /v1/.
	Guard Guard

	Every   time.Duration // Between two events to the readers; 2s.
	Step    time.Duration // Of the finest history; 1s.
	Look    time.Duration // Between two looks at the store while somebody reads; 5s.
	Readers int           // Streams of events at a time; 32.
}

// Board is the page of one process. Tell it of the services before Run; the hooks that it returns may be called at any
// time, by any goroutine.
type Board struct {
	cfg     Config
	started time.Time
	hub     *hub
	page    func() Page // Page, but for tests of what is shown.

	mu     sync.Mutex
	panels []*panel // In the order in which the sketches were named.
	read   time.Time
}

// panel is one sketch. Its parts are nil where the role does not know them.
type panel struct {
	name   string
	stream *streamLog
	drift  *driftLog
	models *library
	served func() (*serve.Version, error)
}

// New returns a board without a sketch.
func New(cfg Config) *Board {
	cfg.Every = positive(cfg.Every, 2*time.Second)
	cfg.Step = positive(cfg.Step, time.Second)
	cfg.Look = positive(cfg.Look, 5*time.Second)
	cfg.Readers = positive(cfg.Readers, 32)
	b := &Board{cfg: cfg, started: time.Now(), hub: newHub(cfg.Readers)}
	b.page = b.Page
	return b
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// panel returns the panel of a sketch, a new one if it is not known yet. The caller holds mu.
func (b *Board) panel(sketch string) *panel {
	if i := slices.IndexFunc(b.panels, func(p *panel) bool { return p.name == sketch }); i >= 0 {
		return b.panels[i]
	}
	p := &panel{name: sketch}
	b.panels = append(b.panels, p)
	return p
}

// Sketcher shows the stream of a sketch and returns h with the board listening.
func (b *Board) Sketcher(sketch string, topics []string, h sketcher.Hooks) sketcher.Hooks {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.panel(sketch)
	p.stream = newStreamLog(topics)
	return p.stream.hooks(h)
}

// Trainer shows the drift of a sketch and returns h with the board listening. Tell it of the service with Follow.
func (b *Board) Trainer(sketch string, h trainer.Hooks) trainer.Hooks {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.panel(sketch)
	p.drift = newDriftLog()
	return p.drift.hooks(h)
}

// Follow shows what the trainer of a sketch says of itself, and the models in its store.
func (b *Board) Follow(sketch string, status func() trainer.Status, store *snapshot.Store) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.panel(sketch)
	p.models = newLibrary(store)
	if status != nil {
		p.drift.status = status
		p.models.since = p.drift.changed
	}
}

// Serve shows the version that a server answers with.
func (b *Board) Serve(sketch string, current func() (*serve.Version, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panel(sketch).served = current
}

// Tally is the number of folded and of rejected records of a sketch since the process started.
func (b *Board) Tally(sketch string) (folded, rejected int64) {
	b.mu.Lock()
	s := b.panel(sketch).stream
	b.mu.Unlock()
	if s == nil {
		return 0, 0
	}
	return s.tally()
}

// Run keeps the history, looks at the store while somebody reads, and tells the readers, until ctx ends; then their
// streams have ended.
func (b *Board) Run(ctx context.Context) error {
	defer b.hub.close()
	var looking sync.WaitGroup
	defer looking.Wait()
	b.mu.Lock()
	panels := slices.Clone(b.panels)
	b.mu.Unlock()
	for _, p := range panels {
		if p.models != nil {
			looking.Go(func() { b.look(ctx, p.models) })
		}
	}
	step, every := time.NewTicker(b.cfg.Step), time.NewTicker(b.cfg.Every)
	defer step.Stop()
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-step.C:
			for _, p := range panels {
				if p.stream != nil {
					p.stream.sample(now)
				}
			}
		case <-every.C:
			if b.hub.readers() > 0 {
				b.reading()
				b.hub.publish(render(b.page()))
			}
		}
	}
}

// idle is how long the store is still looked at when nobody reads any more.
const idle = 30 * time.Second

// reading remembers that somebody reads.
func (b *Board) reading() {
	b.mu.Lock()
	b.read = time.Now()
	b.mu.Unlock()
}

func (b *Board) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.read) < idle
}

// look looks at the store of one sketch while somebody reads.
func (b *Board) look(ctx context.Context, l *library) {
	t := time.NewTicker(b.cfg.Look)
	defer t.Stop()
	for {
		if b.watched() {
			l.look(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-l.now:
		}
	}
}

// settled waits a moment for the first look at the store, so that the first page is whole.
func (b *Board) settled(ctx context.Context) {
	b.reading()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	b.mu.Lock()
	panels := slices.Clone(b.panels)
	b.mu.Unlock()
	for _, p := range panels {
		if p.models != nil {
			p.models.ask()
			select {
			case <-p.models.looked:
			case <-ctx.Done():
			}
		}
	}
}

// Page describes everything as it is now.
func (b *Board) Page() Page {
	b.mu.Lock()
	panels := slices.Clone(b.panels)
	b.mu.Unlock()
	p := Page{Title: b.cfg.Title, Role: b.cfg.Role, Version: metrics.ReadBuild().Version, Time: time.Now().UTC(), Started: b.started.UTC(),
		Notices: []Notice{}, Sketches: []Sketch{}, API: b.cfg.API, Refusal: b.cfg.Guard.reason()}
	for _, q := range panels {
		s, notices := q.describe()
		p.Sketches = append(p.Sketches, s)
		p.Notices = append(p.Notices, notices...)
	}
	slices.SortStableFunc(p.Notices, func(a, b Notice) int { return rank(a) - rank(b) })
	return p
}

func rank(n Notice) int { return slices.Index([]string{LevelAlarm, LevelError}, n.Level) }

// describe says what is known of a sketch, and what of it needs attention.
func (p *panel) describe() (s Sketch, notices []Notice) {
	s.Name = p.name
	add := func(level, text string) { notices = append(notices, Notice{level, p.name, text}) }
	if p.stream != nil {
		s.Stream = p.stream.describe()
	}
	if p.models != nil {
		s.Model, s.Shapes = p.models.describe()
	}
	if p.drift != nil {
		var st trainer.Status
		s.Drift, st = p.drift.describe()
		if s.Model == nil {
			s.Model = newModel()
		}
		s.Model.follow(st)
		if a := s.Drift.Latched; a != nil {
			add(LevelAlarm, "Drift since "+clock(a.Change)+": "+a.What)
		}
		if st.LastError != "" {
			add(LevelError, st.LastError)
		}
		for i := range s.Drift.Alarms {
			s.Drift.Alarms[i].Answered = s.Model.answer(s.Drift.Alarms[i].Pane)
		}
	}
	if p.served != nil {
		v, err := p.served()
		if s.Model == nil {
			s.Model = newModel()
		}
		if v != nil {
			s.Model.serves(v)
		}
		if err != nil {
			add(LevelError, err.Error())
		}
	}
	if s.Model != nil && s.Model.Trouble != "" {
		add(LevelError, s.Model.Trouble)
	}
	return s, notices
}

// undefined is a figure that there is not.
var undefined = Number(math.NaN())
