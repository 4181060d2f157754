package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mac"
)

// openStore opens a store to be written to. A folder is created if there is none.
func openStore(ctx context.Context, address string) (bucket.Bucket, error) {
	b, err := openBucket(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%w: name another with --store, or make this one usable", err)
	}
	if err := probeStore(ctx, b); err != nil {
		b.Close() // The error that matters is err: nothing was kept.
		return nil, fmt.Errorf("store %s: it cannot be written to: %w: give this user the right to write and delete there, or name another with --store", shown(address), err)
	}
	return b, nil
}

const probePrefix = "phasor-probe."

// probeStore writes and deletes an object, so that a store that cannot be written to is found at the start and not at the
// first save. Its name is no sketch's, and no other process's.
func probeStore(ctx context.Context, b bucket.Bucket) error {
	name := probePrefix + rand.Text()
	return errors.Join(b.Put(ctx, name, []byte("This object may be deleted.\n")), b.Delete(ctx, name))
}

// openExisting opens a store to be read. A folder that is not there is an error and not created.
func openExisting(ctx context.Context, address string) (bucket.Bucket, error) {
	if err := checkFolder(address); err != nil {
		return nil, err
	}
	return openBucket(ctx, address)
}

// checkFolder says that an address is a folder that is not there.
func checkFolder(address string) error {
	if dir := folder(address); dir != "" {
		if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("store %s: there is no such folder: correct --store", shown(address))
		} else if err == nil && !info.IsDir() {
			return fmt.Errorf("store %s: it is a file, and a folder is wanted: correct --store", shown(address))
		}
	}
	return nil
}

// openBucket opens a store whose objects are signed and verified as the context says.
func openBucket(ctx context.Context, address string) (bucket.Bucket, error) {
	b, err := openPlain(ctx, address)
	if err != nil {
		return nil, err
	}
	return mac.Wrap(b, integrityOf(ctx)), nil
}

func openPlain(ctx context.Context, address string) (bucket.Bucket, error) {
	b, err := snapshot.OpenBucket(ctx, address)
	if err != nil && folder(address) != "" {
		err = fmt.Errorf("store %s: %w", shown(address), err)
	}
	return b, err
}

// skipped logs an object that could not be read.
func (e *env) skipped(name string, err error) {
	e.log.Error("corrupt object skipped", "object", name, "err", err)
}

// openEpoch opens the newest epoch of a sketch and calls use with it.
func openEpoch(e *env, address, sketch string, use func(*snapshot.Epoch) error) error {
	return openEpochOf(e, address, sketch, 0, use)
}

// openEpochOf opens the epoch of a number, the newest for 0, and calls use with it. If use met panes that are lost, that
// is the error, whatever it made of the others.
func openEpochOf(e *env, address, sketch string, number int, use func(*snapshot.Epoch) error) error {
	if number < 0 {
		return usagef("--epoch is %d: epochs are counted from 1", number)
	}
	ctx := e.ctx
	b, err := openExisting(ctx, address)
	if err != nil {
		return err
	}
	defer b.Close() // It was only read, or each write was checked.
	store := snapshot.Open(b, sketch)
	ep, err := store.LatestSpec(ctx)
	if err == nil && number != 0 && number != ep.Number {
		latest := ep.Number
		if ep, err = store.OpenEpoch(ctx, number); errors.Is(err, snapshot.ErrNotExist) {
			return fmt.Errorf("store %s: sketch %q has no epoch %d: the newest is %d", shown(address), sketch, number, latest)
		}
	}
	if errors.Is(err, snapshot.ErrNotExist) {
		return fmt.Errorf("store %s: there is no sketch %q in it: correct --name or --store", shown(address), sketch)
	}
	if err != nil {
		return err
	}
	lost := map[snapshot.PaneRef]bool{}
	ep.Store = ep.WithHooks(snapshot.Hooks{
		Corrupt: e.skipped,
		Lost:    func(r snapshot.PaneRef) { lost[r] = true },
	})
	if err = use(ep); len(lost) > 0 && ctx.Err() == nil {
		return lostPanes(address, sketch, lost)
	}
	return err
}

// folder is the local folder of an address, or empty.
func folder(address string) string {
	scheme, _, ok := strings.Cut(address, ":")
	if !ok || strings.ContainsAny(scheme, `/.\`) || len(scheme) < 2 {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	if dir, err := url.PathUnescape(u.Opaque); err == nil && dir != "" {
		return dir
	}
	return u.Path
}

// shown is an address without what should not be seen.
func shown(address string) string {
	if folder(address) == address {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		scheme, _, _ := strings.Cut(address, ":")
		return scheme + ":…"
	}
	u.RawQuery = ""
	return u.Redacted()
}
