// Package s3 keeps a bucket in an object store that speaks the protocol of
// Amazon S3: AWS, MinIO, Cloudflare R2, Ceph, Google's interoperable API.
//
// Create is a PUT with the condition If-None-Match: *, which AWS, MinIO, R2,
// GCS and Ceph honour. A server that ignores it would let two writers overwrite
// each other without a sign, so the first object that a bucket creates is
// written twice under the condition: a server that accepts the second one does
// not honour it, and Create fails with [ErrUnconditional].
package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" // #nosec G501 -- a checksum of the transport; integrity is SHA-256
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/minio/minio-go/v7"

	"phasor/snapshot/bucket"
)

// ErrUnconditional is wrapped by the error of Create on a server that does not
// honour If-None-Match.
var ErrUnconditional = errors.New("the server ignores If-None-Match, so that two writers could overwrite each other: use a server or version that honours it, or one writer and single_writer=true")

// conflicts bounds the attempts of a conditional write that meets another one
// in progress (409), which the client does not repeat by itself.
const conflicts = 8

// Open returns the bucket after a look whether it is there.
func Open(ctx context.Context, c Config) (bucket.Bucket, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	s := &store{core: minio.Core{Client: client}, name: c.Bucket, single: c.SingleWriter}
	if c.Prefix != "" {
		s.prefix = c.Prefix + "/"
	}
	found, err := client.BucketExists(ctx, c.Bucket)
	if err == nil && !found {
		err = fmt.Errorf("there is no bucket %q at %s: create it, or correct the name, endpoint or region", c.Bucket, client.EndpointURL())
	}
	if err != nil {
		return nil, s.failed(ctx, "open", "", err)
	}
	return s, nil
}

type store struct {
	core   minio.Core
	name   string // of the bucket
	prefix string // empty, or ends in a slash
	single bool
	proven atomic.Bool // the server honours the condition
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := bucket.ValidName(name); err != nil {
		return nil, s.failed(ctx, "get", name, err)
	}
	body, _, _, err := s.core.GetObject(ctx, s.name, s.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.failed(ctx, "get", name, err)
	}
	// A body that ends before its Content-Length is an error of the reader.
	data, err := io.ReadAll(body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, s.failed(ctx, "get", name, err)
	}
	return data, nil
}

func (s *store) Put(ctx context.Context, name string, data []byte) error {
	if err := bucket.ValidName(name); err != nil {
		return s.failed(ctx, "put", name, err)
	}
	return s.failed(ctx, "put", name, s.write(ctx, name, data, false))
}

func (s *store) Create(ctx context.Context, name string, data []byte) error {
	if err := bucket.ValidName(name); err != nil {
		return s.failed(ctx, "create", name, err)
	}
	return s.failed(ctx, "create", name, s.create(ctx, name, data))
}

func (s *store) create(ctx context.Context, name string, data []byte) error {
	if s.single {
		_, err := s.core.StatObject(ctx, s.name, s.prefix+name, minio.StatObjectOptions{})
		switch {
		case err == nil:
			return bucket.ErrExist
		case response(err).StatusCode != http.StatusNotFound:
			return err
		}
		return s.write(ctx, name, data, false)
	}
	err := s.write(ctx, name, data, true)
	if err != nil || s.proven.Load() {
		return err
	}
	switch err := s.write(ctx, name, data, true); {
	case err == nil:
		return ErrUnconditional
	case !errors.Is(err, bucket.ErrExist):
		return fmt.Errorf("trying whether the server honours If-None-Match: %w", err)
	}
	s.proven.Store(true)
	return nil
}

// write stores an object in one request, so that there is no half of it.
func (s *store) write(ctx context.Context, name string, data []byte, onlyNew bool) error {
	// The server compares what it received with both sums: the one that the
	// signature covers, and the MD5, which servers check that take no notice of
	// signatures. The client's own signature by chunks sends an empty object
	// without its length, which not every server takes.
	sha, sum := sha256.Sum256(data), md5.Sum(data) // #nosec G401 -- what servers ask for; integrity is SHA-256
	options := minio.PutObjectOptions{DisableContentSha256: true}
	if onlyNew {
		options.SetMatchETagExcept("*")
	}
	for attempt := 1; ; attempt++ {
		_, err := s.core.PutObject(ctx, s.name, s.prefix+name, bytes.NewReader(data), int64(len(data)),
			base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sha[:]), options)
		if err == nil {
			return nil
		}
		answer := response(err)
		switch {
		case !onlyNew:
			return err
		case answer.StatusCode == http.StatusPreconditionFailed:
			s.proven.Store(true)
			return bucket.ErrExist
		case answer.StatusCode == http.StatusNotImplemented:
			return fmt.Errorf("%w (%w)", ErrUnconditional, err)
		case answer.StatusCode != http.StatusConflict || attempt == conflicts:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt) * 20 * time.Millisecond):
		}
	}
}

func (s *store) List(ctx context.Context, prefix string) ([]bucket.Object, error) {
	if err := bucket.ValidPrefix(prefix); err != nil {
		return nil, fmt.Errorf("bucket/s3: list: %w", err)
	}
	// Servers take whole characters only.
	whole := prefix
	for !utf8.ValidString(whole) {
		whole = whole[:len(whole)-1]
	}
	// The iterator ends its requests when the context does.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var list []bucket.Object
	for o := range s.core.Client.ListObjectsIter(ctx, s.name, minio.ListObjectsOptions{Prefix: s.prefix + whole, Recursive: true}) {
		if o.Err != nil {
			return nil, s.failed(ctx, "list", prefix, o.Err)
		}
		// Others may have put into the bucket what no driver writes, such as
		// the markers of folders.
		if name := strings.TrimPrefix(o.Key, s.prefix); strings.HasPrefix(name, prefix) && bucket.ValidName(name) == nil {
			list = append(list, bucket.Object{Name: name, Size: o.Size, Modified: o.LastModified})
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, s.failed(ctx, "list", prefix, err)
	}
	// The protocol's order is that of the keys' bytes; not every server keeps it.
	slices.SortFunc(list, func(a, b bucket.Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *store) Delete(ctx context.Context, name string) error {
	if err := bucket.ValidName(name); err != nil {
		return s.failed(ctx, "delete", name, err)
	}
	err := s.core.Client.RemoveObject(ctx, s.name, s.prefix+name, minio.RemoveObjectOptions{})
	if response(err).Code == minio.NoSuchKey {
		err = nil
	}
	return s.failed(ctx, "delete", name, err)
}

func (s *store) Close() error { return nil }

// response returns the server's answer that an error stands for, zero if it
// does not.
func response(err error) (answer minio.ErrorResponse) {
	errors.As(err, &answer)
	return answer
}

// failed wraps an error with what was done to what, and with what it means.
func (s *store) failed(ctx context.Context, operation, name string, err error) error {
	if err == nil {
		return nil
	}
	switch answer := response(err); {
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	case answer.Code == minio.NoSuchKey:
		err = bucket.ErrNotExist
	case answer.Code == minio.NoSuchBucket:
		err = fmt.Errorf("%w: create the bucket, or correct the name, endpoint or region", err)
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("%w: give this process credentials that may list, get, put and delete (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a credentials file, or a role)", err)
	}
	return fmt.Errorf("bucket/s3: %s %q in s3://%s/%s: %w", operation, name, s.name, s.prefix, err)
}
