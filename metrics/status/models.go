package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"phasor/snapshot"
	"phasor/trainer"
	"phasor/trainer/serve"
)

const (
	maxVersions = 20               // Shown, of those in the store.
	lookLimit   = 20 * time.Second // Of one look at the store.
)

// library reads the models of one sketch from its store. What does not change is read once.
type library struct {
	store  *snapshot.Store
	now    chan struct{} // Asks for a look.
	looked chan struct{} // Closed after the first look.
	first  sync.Once
	since  func() int64 // When the stream changed last, Unix milliseconds; nil if that is not known.

	// Of the one goroutine that looks.
	epoch       *snapshot.Epoch
	cards       map[int]trainer.Card
	generations []snapshot.Generation
	scene       scene

	mu       sync.Mutex
	versions []Version
	shapes   *Shapes
	trouble  string
}

func newLibrary(store *snapshot.Store) *library {
	return &library{store: store, now: make(chan struct{}, 1), looked: make(chan struct{}), cards: map[int]trainer.Card{}}
}

// ask asks for a look soon.
func (l *library) ask() {
	select {
	case l.now <- struct{}{}:
	default: // One has been asked for already.
	}
}

// look reads what is new in the store.
func (l *library) look(ctx context.Context) {
	defer l.first.Do(func() { close(l.looked) })
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	versions, shapes, err := l.read(limited)
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = ""
	if err != nil { // What was read before is still shown.
		l.trouble = "models: " + err.Error()
		return
	}
	l.versions, l.shapes = versions, shapes
}

func (l *library) read(ctx context.Context) ([]Version, *Shapes, error) {
	if err := l.open(ctx); err != nil || l.epoch == nil {
		return nil, nil, err
	}
	refs, err := l.epoch.ListModels(ctx)
	if err != nil {
		return nil, nil, err
	}
	current, err := l.epoch.Current(ctx)
	if err != nil && !errors.Is(err, snapshot.ErrNotExist) {
		return nil, nil, err
	}
	if len(l.generations) == 0 || l.generations[0].Generation != current.Generation {
		if l.generations, err = l.epoch.Generations(ctx); err != nil {
			return nil, nil, err
		}
	}
	back, _ := before(l.generations)
	var versions []Version
	for _, r := range slices.Backward(refs) {
		if len(versions) == maxVersions {
			break
		}
		card, err := l.card(ctx, r)
		if err != nil {
			continue // Not a version that can be served: the store's hooks have reported it.
		}
		v := version(r, card)
		v.Served, v.Before = r.Version == current.Version, r.Version == back
		versions = append(versions, v)
	}
	var since int64
	if l.since != nil {
		since = l.since()
	}
	shapes, err := l.scene.read(ctx, l.epoch, current.Version, since)
	return versions, shapes, err
}

// open follows the newest epoch.
func (l *library) open(ctx context.Context) error {
	numbers, err := l.store.Epochs(ctx)
	if err != nil || len(numbers) == 0 || l.epoch != nil && l.epoch.Number == slices.Max(numbers) {
		return err
	}
	epoch, err := l.store.LatestSpec(ctx)
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	l.epoch, l.cards, l.generations, l.scene = epoch, map[int]trainer.Card{}, nil, scene{}
	return nil
}

// card returns the card of a version. One that has none yet is read again at the next look.
func (l *library) card(ctx context.Context, r snapshot.ModelRef) (trainer.Card, error) {
	if c, ok := l.cards[r.Version]; ok {
		return c, nil
	}
	m, err := l.epoch.LoadModel(ctx, r.Version)
	if err != nil {
		return trainer.Card{}, err
	}
	c, err := trainer.ReadCard(m)
	if err == nil && m.Card != nil {
		l.cards[r.Version] = c
	}
	return c, err
}

func version(r snapshot.ModelRef, c trainer.Card) Version {
	v := Version{Version: r.Version, Written: utc(r.Modified), Records: c.Records, Drifting: c.Drifting,
		Loss: undefined, HeldOut: undefined, Floor: undefined, Gaussian: undefined, Equivalent: undefined, Seconds: undefined}
	if c.Records == 0 {
		return v
	}
	v.Loss, v.HeldOut, v.Floor, v.Gaussian = Number(c.Loss.Unbiased), Number(c.Loss.HeldOut), Number(c.Loss.Floor), Number(c.Gaussian.HeldOut)
	v.Equivalent, v.AtLeast, v.Seconds = Number(c.Loss.EquivalentRecords), c.Loss.AtLeast, Number(c.Seconds)
	if c.Answers != nil {
		v.Answers = c.Answers.Pane
	}
	return v
}

// before is the version that a roll-back serves: the newest older one that was served before.
func before(generations []snapshot.Generation) (int, error) {
	if len(generations) == 0 {
		return 0, errors.New("no version is served yet: there is nothing to roll back")
	}
	for _, g := range generations[1:] {
		if g.Version < generations[0].Version {
			return g.Version, nil
		}
	}
	return 0, fmt.Errorf("version %d is served and no older one was served before: promote one by its number", generations[0].Version)
}

// promote serves a version; 0 stands for the one before.
func (l *library) promote(ctx context.Context, version int) (int, error) {
	epoch, err := l.store.LatestSpec(ctx)
	if err != nil {
		return 0, err
	}
	reason := "operator, from the page"
	if version == 0 {
		generations, err := epoch.Generations(ctx)
		if err != nil {
			return 0, err
		}
		if version, err = before(generations); err != nil {
			return 0, refused{err}
		}
		reason = "roll-back by operator, from the page"
	}
	if _, err := epoch.LoadModel(ctx, version); err != nil {
		return 0, err
	}
	_, err = epoch.Publish(ctx, version, reason)
	l.ask()
	return version, err
}

// refused is the error of a request that is understood and cannot be met.
type refused struct{ error }

func (l *library) describe() (*Model, *Shapes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := newModel()
	m.Versions, m.Trouble = append(m.Versions, l.versions...), l.trouble
	for _, v := range l.versions {
		if v.Served {
			m.Version, m.Published, m.Records = v.Version, v.Written, v.Records
			m.Loss, m.HeldOut, m.Floor, m.Equivalent, m.AtLeast = v.Loss, v.HeldOut, v.Floor, v.Equivalent, v.AtLeast
		}
	}
	return m, l.shapes
}

func newModel() *Model {
	return &Model{Loss: undefined, HeldOut: undefined, Floor: undefined, Equivalent: undefined, Fits: []Count{}, Versions: []Version{}}
}

// serves puts what a server answers with over what the store says.
func (m *Model) serves(v *serve.Version) {
	e := v.Model.Evaluation()
	m.Version, m.Published, m.Records = v.Version, utc(v.Published), v.Model.Records()
	m.Loss, m.HeldOut, m.Floor = Number(e.Unbiased), Number(e.HeldOut), Number(e.Floor)
	m.Equivalent, m.AtLeast = Number(e.EquivalentRecords), e.AtLeast
	var c trainer.Card
	if len(v.Card) > 0 && json.Unmarshal(v.Card, &c) == nil && c.Records > 0 {
		m.Records = c.Records
	}
}
