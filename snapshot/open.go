package snapshot

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/cloud"
	"phasor/snapshot/bucket/file"
	"phasor/snapshot/bucket/mem"
	"phasor/snapshot/bucket/s3"
)

// OpenBucket opens the object storage at an address:
//
//	/var/lib/phasor or file:///var/lib/phasor    a folder, created if it is absent
//	mem:                                         the memory of this process, empty
//	s3://bucket/prefix?endpoint=…&region=…       S3 and what speaks its protocol; see package bucket/s3
//	gs://bucket/prefix, azblob://container/…     in a program built with -tags cloud; see package bucket/cloud
//
// Credentials come from the environment or from files, never from the address. Close the bucket when it is no longer
// used.
func OpenBucket(ctx context.Context, address string) (bucket.Bucket, error) {
	if address == "" {
		return nil, errors.New("snapshot: no store given: name a folder, or s3://bucket/prefix")
	}
	// One letter before the colon is a drive, and a slash before it makes it part of a folder's name.
	scheme, _, ok := strings.Cut(address, ":")
	if !ok || strings.ContainsAny(scheme, "/.\\") || len(scheme) < 2 {
		return file.Open(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse would show a password.
		return nil, fmt.Errorf("snapshot: store %s:…: not an address: write a folder, or s3://bucket/prefix", scheme)
	}
	b, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("snapshot: store %s: %w", shown(u), err)
	}
	return b, nil
}

func open(ctx context.Context, u *url.URL) (bucket.Bucket, error) {
	switch {
	case u.Scheme == "file":
		return openFolder(u)
	case u.Scheme == "mem":
		if u.String() != "mem:" {
			return nil, errors.New("memory has no parts: write mem: and nothing else")
		}
		return mem.New(), nil
	case u.Scheme == "s3":
		c, err := s3.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		return s3.Open(ctx, c)
	case cloud.Scheme(u.Scheme):
		return cloud.Open(ctx, u.String())
	}
	return nil, fmt.Errorf("unknown scheme %q: use a folder or one of file, mem, s3, gs and azblob", u.Scheme)
}

func openFolder(u *url.URL) (bucket.Bucket, error) {
	dir := u.Path
	if u.Opaque != "" { // file:dir, a relative one.
		var err error
		if dir, err = url.PathUnescape(u.Opaque); err != nil {
			return nil, errors.New("a percent sign in a folder's name is written %25")
		}
	}
	if u.Host != "" && u.Host != "localhost" {
		return nil, fmt.Errorf("%q is taken for a host: write three slashes, file:///dir", u.Host)
	}
	if dir == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a folder is wanted and nothing else: write file:///dir")
	}
	return file.Open(dir)
}

// shown is an address without its password and its query, which may hold a key.
func shown(u *url.URL) string {
	c := *u
	c.RawQuery = ""
	return c.Redacted()
}
