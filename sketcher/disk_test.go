package sketcher

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"

	"phasor/snapshot/bucket"
)

// diskErrors is a bucket whose writes fail with an error of the system.
type diskErrors struct {
	bucket.Bucket
	errno atomic.Uint32
}

func (d *diskErrors) fail(e syscall.Errno) { d.errno.Store(uint32(e)) }

func (d *diskErrors) check(name string) error {
	if e := syscall.Errno(d.errno.Load()); e != 0 {
		return fmt.Errorf("write %s: %w", name, e)
	}
	return nil
}

func (d *diskErrors) Put(ctx context.Context, name string, data []byte) error {
	if err := d.check(name); err != nil {
		return err
	}
	return d.Bucket.Put(ctx, name, data)
}

func (d *diskErrors) Create(ctx context.Context, name string, data []byte) error {
	if err := d.check(name); err != nil {
		return err
	}
	return d.Bucket.Create(ctx, name, data)
}
