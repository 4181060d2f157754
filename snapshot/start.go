package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"phasor/snapshot/bucket"
	"phasor/snapshot/safetensors"
)

// FORMAT phasor.start/1, where the fold of a partition begins.
//
//	tensors     offset    I64 [1]

// CreateStart records where the fold of a partition begins. The first writer wins: the offset returned is the recorded
// one.
func (e *Epoch) CreateStart(ctx context.Context, p PartitionID, offset int64) (int64, error) {
	if err := p.validate(); err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, fmt.Errorf("snapshot: start of %s at offset %d: it must not be negative", p, offset)
	}
	f := newFile(FormatStart, e.m.Fingerprint())
	f.Add(safetensors.Int64s("offset", []int64{offset}, 1))
	data, err := f.Encode()
	if err != nil {
		return 0, fmt.Errorf("snapshot: start of %s: %w", p, err)
	}
	name := e.name("start", p.folder())
	switch err := e.b.Create(ctx, name, data); {
	case err == nil:
		return offset, nil
	case errors.Is(err, bucket.ErrExist):
		return e.LoadStart(ctx, p)
	default:
		return 0, wrap("write", name, err)
	}
}

// LoadStart returns where the fold of a partition begins. The error wraps [ErrNotExist] if that is not recorded.
func (e *Epoch) LoadStart(ctx context.Context, p PartitionID) (int64, error) {
	if err := p.validate(); err != nil {
		return 0, err
	}
	name := e.name("start", p.folder())
	b, err := e.get(ctx, name)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return 0, err
	}
	var offset int64
	if err == nil {
		offset, err = e.decodeStart(b)
	}
	if err != nil {
		if errors.Is(err, ErrCorrupt) {
			e.hooks.corrupt(name, err)
		}
		return 0, fmt.Errorf("snapshot: %s: %w: restore it from a backup, or begin a new epoch", name, err)
	}
	return offset, nil
}

func (e *Epoch) decodeStart(b []byte) (int64, error) {
	f, err := openFile(b, FormatStart)
	if err != nil {
		return 0, err
	}
	if found := f.Metadata["map"]; found != e.m.Fingerprint() {
		return 0, &MapMismatchError{Object: "the start", Want: e.m.Fingerprint(), Found: found}
	}
	return scalar(f, "offset")
}

// Live is what the owner of a partition last said of itself. It is advisory: nothing that must be right depends on it.
type Live struct {
	Next          int64 `json:"next"`
	HighWatermark int64 `json:"high_watermark"`
	Time          int64 `json:"time_ms"`                // Wall clock, Unix milliseconds.
	CaughtUp      int64 `json:"caught_up_ms,omitempty"` // Since when Next has been the high watermark; 0: it is not.
}

// SaveLive replaces what is said of a partition.
func (e *Epoch) SaveLive(ctx context.Context, p PartitionID, l Live) error {
	if err := p.validate(); err != nil {
		return err
	}
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("snapshot: live of %s: %w", p, err)
	}
	name := e.name("live", p.folder())
	return wrap("write", name, e.b.Put(ctx, name, data))
}

// LoadLive returns what is said of a partition. The error wraps [ErrNotExist] if nothing is.
func (e *Epoch) LoadLive(ctx context.Context, p PartitionID) (Live, error) {
	if err := p.validate(); err != nil {
		return Live{}, err
	}
	var l Live
	err := e.readLive(ctx, e.name("live", p.folder()), &l)
	return l, err
}

func (e *Epoch) readLive(ctx context.Context, name string, l *Live) error {
	b, err := e.get(ctx, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, l); err != nil {
		return fmt.Errorf("snapshot: %s: %w: %w", name, ErrCorrupt, err)
	}
	return nil
}

// LoadLives returns what is said of all partitions. What cannot be read is left out: nothing is said then.
func (e *Epoch) LoadLives(ctx context.Context) (map[PartitionID]Live, error) {
	prefix := e.prefix + "live/"
	objects, err := e.b.List(ctx, prefix)
	if err != nil {
		return nil, wrap("list", prefix, err)
	}
	lives := map[PartitionID]Live{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, o := range objects {
		topic, partition, _ := strings.Cut(strings.TrimPrefix(o.Name, prefix), "/")
		p, ok := parsePartition(topic, partition)
		if !ok {
			continue
		}
		group.Go(func() error {
			var l Live
			err := e.readLive(ctx, o.Name, &l)
			if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
				return nil
			}
			mu.Lock()
			lives[p] = l
			mu.Unlock()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return lives, nil
}
