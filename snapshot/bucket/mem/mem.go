// Package mem keeps a bucket in memory, for tests and for runs that leave
// nothing behind.
package mem

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"phasor/snapshot/bucket"
)

// New returns an empty bucket of its own.
func New() bucket.Bucket { return &store{objects: map[string]object{}} }

type object struct {
	data     []byte // never changed once it is here
	modified time.Time
}

type store struct {
	mu      sync.RWMutex
	objects map[string]object
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ready(ctx, "get", name); err != nil {
		return nil, err
	}
	s.mu.RLock()
	o, ok := s.objects[name]
	s.mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("bucket/mem: get %q: %w", name, bucket.ErrNotExist)
	}
	return append([]byte{}, o.data...), nil
}

func (s *store) Put(ctx context.Context, name string, data []byte) error {
	if err := ready(ctx, "put", name); err != nil {
		return err
	}
	o := object{append([]byte{}, data...), time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[name] = o
	return nil
}

func (s *store) Create(ctx context.Context, name string, data []byte) error {
	if err := ready(ctx, "create", name); err != nil {
		return err
	}
	o := object{append([]byte{}, data...), time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[name]; ok {
		return fmt.Errorf("bucket/mem: create %q: %w", name, bucket.ErrExist)
	}
	s.objects[name] = o
	return nil
}

func (s *store) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	if err := bucket.ValidPrefix(prefix); err != nil {
		return nil, fmt.Errorf("bucket/mem: list: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("bucket/mem: list %q: %w", prefix, err)
	}
	var list []bucket.Object
	s.mu.RLock()
	for name, o := range s.objects {
		if strings.HasPrefix(name, prefix) {
			list = append(list, bucket.Object{Name: name, Size: int64(len(o.data)), Modified: o.modified})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b bucket.Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *store) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, "delete", name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, name)
	return nil
}

func (s *store) Close() error { return nil }

func ready(ctx context.Context, operation, name string) error {
	err := bucket.ValidName(name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("bucket/mem: %s %q: %w", operation, name, err)
	}
	return nil
}
