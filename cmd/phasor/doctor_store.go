package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/snapshot"
	"phasor/snapshot/bucket"
)

// checkStore tries what the roles ask of a store with an object of its own, and leaves the store open.
func (d *doctor) checkStore(ctx context.Context) bool {
	name := shown(d.cfg.Store)
	dir := folder(d.cfg.Store)
	if dir != "" {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			if d.c.Role == "serve" || d.c.Role == "trainer" {
				d.fail("store", name, "correct store, or start the sketchers, which create it", "there is no such folder")
				return false
			}
			if d.folderCanBeMade(name, dir) {
				d.checkRoom(filepath.Dir(filepath.Clean(dir)))
			}
			return false
		}
	}
	b, err := openExisting(ctx, d.cfg.Store)
	if err != nil {
		d.fail("store", name, "make it usable, or name another as store", "%v", err)
		return false
	}
	b = bucket.Bound(b, d.cfg.Snapshot.Timeout.D())
	took, skew, err := tryBucket(ctx, b, d.c.Role == "serve")
	switch {
	case err != nil:
		d.fail("store", name, "give this user the right to read, list, write and delete there", "%v", err)
		b.Close() // The error that matters is err.
		return false
	case d.c.Role == "serve":
		d.ok("store", name, "can be listed in %v", took.Round(time.Millisecond))
	case took > 2*time.Second:
		d.warn("store", name, "lengthen snapshot.interval if partitions are many", "created once only, read, listed and removed in %v: slow", took.Round(time.Millisecond))
	default:
		d.ok("store", name, "created once only, read, listed and removed in %v", took.Round(100*time.Microsecond))
	}
	if skew > 30*time.Second || skew < -30*time.Second {
		d.warn("clock", name, "synchronise this host's clock (NTP), or the store's", "the store's clock is %v from this host's", skew.Round(time.Second))
	}
	if dir != "" {
		d.checkRoom(dir)
	}
	d.buck = b
	return true
}

// folderCanBeMade makes a folder of another name beside the one that is not there.
func (d *doctor) folderCanBeMade(name, dir string) bool {
	above := filepath.Dir(filepath.Clean(dir))
	for {
		if _, err := os.Stat(above); err == nil || above == filepath.Dir(above) {
			break
		}
		above = filepath.Dir(above)
	}
	tried, err := os.MkdirTemp(above, ".phasor-probe-*")
	if err == nil {
		err = os.Remove(tried)
	}
	if err != nil {
		d.fail("store", name, "create it for this user, or name another as store", "there is no such folder, and none can be made in %s: %v", above, reason(err))
		return false
	}
	d.ok("store", name, "there is no such folder yet; it can be made")
	return true
}

// tryBucket creates an object once, and not twice, reads, lists and removes it. It returns how long the creation took,
// which ends when the object is durable, and how far the store's clock is ahead.
func tryBucket(ctx context.Context, b bucket.Bucket, readOnly bool) (took, skew time.Duration, err error) {
	began := time.Now()
	if readOnly {
		_, err := b.List(ctx, "phasor-probe.")
		return time.Since(began), 0, err
	}
	name, data := "phasor-probe."+rand.Text(), []byte("This object may be deleted.\n")
	defer func() {
		if derr := b.Delete(context.WithoutCancel(ctx), name); derr != nil {
			err = errors.Join(err, fmt.Errorf("deleting %s: %w", name, derr))
		}
	}()
	if err := b.Create(ctx, name, data); err != nil {
		return 0, 0, fmt.Errorf("creating %s: %w", name, err)
	}
	took = time.Since(began)
	if err := b.Create(ctx, name, data); !errors.Is(err, bucket.ErrExist) {
		return 0, 0, fmt.Errorf("creating %s a second time: %v, where the store must say that it exists: use one that knows If-None-Match, or single_writer=true with one sketcher", name, err)
	}
	if found, err := b.Get(ctx, name); err != nil || !bytes.Equal(found, data) {
		return 0, 0, fmt.Errorf("reading %s: %d bytes of %d: %w", name, len(found), len(data), err)
	}
	objects, err := b.List(ctx, name)
	if err != nil || len(objects) != 1 {
		return 0, 0, fmt.Errorf("listing %s: %d objects: %w", name, len(objects), err)
	}
	if m := objects[0].Modified; !m.IsZero() {
		skew = m.Sub(began.Add(took / 2))
	}
	return took, skew, nil
}

// Space below which a folder is a warning and a failure.
const (
	littleRoom = 2 << 30
	noRoom     = 64 << 20
)

func (d *doctor) checkRoom(dir string) {
	u, err := disk.Usage(dir)
	if err != nil {
		d.warn("room", dir, "look at it by hand", "its free space is not known: %v", err)
		return
	}
	d.judgeRoom(dir, u.Free, u.InodesTotal, u.InodesFree)
}

func (d *doctor) judgeRoom(dir string, free, inodes, inodesFree uint64) {
	text := fmt.Sprintf("%s free", size(free))
	switch {
	case free < noRoom:
		d.fail("room", dir, "free some, or name a store elsewhere", "%s", text)
	case inodes > 0 && inodesFree < 10000:
		d.warn("room", dir, "each pane is a file: use a file system with more inodes", "%s, %d inodes", text, inodesFree)
	case free < littleRoom:
		d.warn("room", dir, "a partition takes some 250 MB in five years with panes of 60 s", "%s", text)
	default:
		d.ok("room", dir, "%s", text)
	}
}

// size writes bytes for people.
func size(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}

// checkEpochs says what the store holds of a sketch, and whether it can be gone on with.
func (d *doctor) checkEpochs(ctx context.Context, s *SketchConfig) {
	store := snapshot.Open(d.buck, s.Name)
	numbers, err := store.Epochs(ctx)
	if err != nil {
		d.fail("epoch", s.Name, "", "%v", err)
		return
	}
	if len(numbers) == 0 {
		if d.c.Role == "trainer" || d.c.Role == "serve" {
			d.warn("epoch", s.Name, "start a sketcher, or correct the name or the store", "the store has nothing of this sketch")
			return
		}
		d.ok("epoch", s.Name, "none yet: the first sketcher calibrates on %d records", s.Calibrate.Pilot)
		return
	}
	e, err := store.LatestSpec(ctx)
	if err != nil {
		d.fail("epoch", s.Name, "", "%v", err)
		return
	}
	d.epochs[s.Name] = e
	about := fmt.Sprintf("epoch %d of %d, map %.12s, %d features, %d channels", e.Number, len(numbers), e.Map().Fingerprint(), e.Spec().Features, e.Spec().Dim())
	if d.c.Role == "serve" {
		if g, err := e.Current(ctx); err == nil {
			d.ok("epoch", s.Name, "%s, serves version %d", about, g.Version)
		} else if errors.Is(err, snapshot.ErrNotExist) {
			d.warn("epoch", s.Name, "wait for the trainer's first fit", "%s, no model yet", about)
		} else {
			d.fail("epoch", s.Name, "", "%v", err)
		}
		return
	}
	if d.c.Role != "trainer" && !d.foldFits(ctx, s, e) {
		return
	}
	if differs := specDiffers(s, e.Spec()); differs != "" && d.c.Role != "trainer" {
		d.warn("epoch", s.Name, "it takes effect in a new epoch only: phasor calibrate --new-epoch", "%s; %s", about, differs)
		return
	}
	d.ok("epoch", s.Name, "%s", about)
}

// foldFits loads the newest state of each partition as a sketcher would.
func (d *doctor) foldFits(ctx context.Context, s *SketchConfig, e *snapshot.Epoch) bool {
	cfg := foldConfig(*s, d.cfg.Kafka.Isolation)
	cfg.Map = e.Map()
	if err := cfg.Validate(); err != nil {
		d.fail("epoch", s.Name, "", "%v", err)
		return false
	}
	states, err := e.LoadStates(ctx) // Which reads and sets nothing aside.
	if err != nil {
		d.fail("epoch", s.Name, "", "%v", err)
		return false
	}
	for _, st := range states {
		if _, err := sketcher.Resume(cfg, st); err != nil {
			d.fail("epoch", s.Name, "", "%v", err)
			return false
		}
	}
	d.states[s.Name] = states
	return true
}

// specDiffers says what is configured otherwise than the epoch was calibrated.
func specDiffers(s *SketchConfig, spec *feature.Spec) string {
	c := s.Calibrate
	switch {
	case c.Features != 0 && c.Features != spec.Features:
		return fmt.Sprintf("calibrate.features is %d and the epoch has %d", c.Features, spec.Features)
	case c.Law != "" && spec.Law != "" && c.Law != spec.Law:
		return fmt.Sprintf("calibrate.law is %s and the epoch has %s", c.Law, spec.Law)
	}
	for k, ch := range s.Vector() {
		if t, err := feature.ParseTransform(ch.Transform); err == nil && ch.Transform != "" && k < spec.Dim() && spec.Channels[k].Transform != t {
			return fmt.Sprintf("the transform of channel %q is %s and the epoch has %v", ch.Name, ch.Transform, spec.Channels[k].Transform)
		}
	}
	return ""
}
