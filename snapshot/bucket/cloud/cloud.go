//go:build cloud

package cloud

import (
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // opens azblob://
	_ "gocloud.dev/blob/gcsblob"   // opens gs://
	"gocloud.dev/gcerrors"

	"phasor/snapshot/bucket"
)

// Open returns the bucket that a URL names, after a look whether it is there.
func Open(ctx context.Context, url string) (bucket.Bucket, error) {
	location, prefix, err := split(url)
	if err != nil {
		return nil, err
	}
	b, err := blob.OpenBucket(ctx, location)
	if err != nil {
		return nil, fmt.Errorf("bucket/cloud: open %s: %w", location, err)
	}
	found, err := b.IsAccessible(ctx)
	if err == nil && !found {
		err = errors.New("there is no such bucket, or these credentials may not see it")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bucket/cloud: open %s: %w", location, err), b.Close())
	}
	return &store{b: b, url: location, prefix: prefix}, nil
}

type store struct {
	b      *blob.Bucket
	url    string
	prefix string // empty, or ends in a slash
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ready(ctx, name); err != nil {
		return nil, s.failed(ctx, "get", name, err)
	}
	data, err := s.b.ReadAll(ctx, s.prefix+name)
	if gcerrors.Code(err) == gcerrors.NotFound && !unreachable(err) {
		err = bucket.ErrNotExist
	}
	if err != nil {
		return nil, s.failed(ctx, "get", name, err)
	}
	return data, nil
}

func (s *store) Put(ctx context.Context, name string, data []byte) error {
	return s.failed(ctx, "put", name, s.write(ctx, name, data, false))
}

func (s *store) Create(ctx context.Context, name string, data []byte) error {
	err := s.write(ctx, name, data, true)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition || gcerrors.Code(err) == gcerrors.AlreadyExists {
		err = bucket.ErrExist
	}
	return s.failed(ctx, "create", name, err)
}

func (s *store) write(ctx context.Context, name string, data []byte, onlyNew bool) error {
	if err := ready(ctx, name); err != nil {
		return err
	}
	sum := md5.Sum(data) // the service compares it with what it received
	return s.b.WriteAll(ctx, s.prefix+name, data, &blob.WriterOptions{
		IfNotExist:                  onlyNew,
		ContentMD5:                  sum[:],
		ContentType:                 "application/octet-stream",
		DisableContentTypeDetection: true,
	})
}

func (s *store) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	if err := bucket.ValidPrefix(prefix); err != nil {
		return nil, fmt.Errorf("bucket/cloud: list: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, s.failed(ctx, "list", prefix, err)
	}
	// The services take whole characters only.
	whole := prefix
	for !utf8.ValidString(whole) {
		whole = whole[:len(whole)-1]
	}
	var list []bucket.Object
	for i := s.b.List(&blob.ListOptions{Prefix: s.prefix + whole}); ; {
		o, err := i.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, s.failed(ctx, "list", prefix, err)
		}
		// Others may have put into the bucket what no driver writes.
		if name := strings.TrimPrefix(o.Key, s.prefix); strings.HasPrefix(name, prefix) && bucket.ValidName(name) == nil {
			list = append(list, bucket.Object{Name: name, Size: o.Size, Modified: o.ModTime})
		}
	}
	slices.SortFunc(list, func(a, b bucket.Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *store) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, name); err != nil {
		return s.failed(ctx, "delete", name, err)
	}
	err := s.b.Delete(ctx, s.prefix+name)
	if gcerrors.Code(err) == gcerrors.NotFound && !unreachable(err) {
		err = nil
	}
	return s.failed(ctx, "delete", name, err)
}

func (s *store) Close() error {
	if err := s.b.Close(); err != nil {
		return fmt.Errorf("bucket/cloud: close %s: %w", s.url, err)
	}
	return nil
}

func ready(ctx context.Context, name string) error {
	if err := bucket.ValidName(name); err != nil {
		return err
	}
	return ctx.Err()
}

// unreachable tells whether an error that is classed as "not found" speaks of
// the service or its bucket and not of the object: that there is no object is
// then not known, and a reader must not start empty.
func unreachable(err error) bool {
	text := err.Error()
	for _, s := range []string{"no such host", "ContainerNotFound", "bucket does not exist"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

func (s *store) failed(ctx context.Context, operation, name string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	} else if gcerrors.Code(err) == gcerrors.PermissionDenied {
		err = fmt.Errorf("%w: give this process credentials that may list, get, put and delete", err)
	}
	return fmt.Errorf("bucket/cloud: %s %q in %s/%s: %w", operation, name, s.url, s.prefix, err)
}
