package snapshot

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/file"
	"phasor/snapshot/bucket/mem"
	"phasor/snapshot/bucket/s3"
)

// opener opens the bucket of a parsed URL.
type opener func(ctx context.Context, u *url.URL) (bucket.Bucket, error)

// openers holds the schemes. Those of the clouds are added by a build with the tag cloud.
var openers = map[string]opener{
	"file": openFolder,
	"mem":  openMemory,
	"s3":   openS3,
}

// withTag holds the schemes that need the build tag cloud.
var withTag = []string{"gs", "azblob"}

// OpenBucket opens the object storage at an address:
//
//	/var/lib/phasor or file:///var/lib/phasor    a folder, created if it is absent
//	mem:                                         the memory of this process, empty
//	s3://bucket/prefix?endpoint=…&region=…       S3 and what speaks its protocol; credentials from the environment
//	gs://bucket, azblob://container              in a build with the tag cloud
//
// Close it when it is no longer used.
func OpenBucket(ctx context.Context, address string) (bucket.Bucket, error) {
	scheme, _, ok := strings.Cut(address, ":")
	if !ok || strings.ContainsAny(scheme, "/.\\") || len(scheme) < 2 {
		if address == "" {
			return nil, fmt.Errorf("snapshot: no store given: name a folder, or s3://bucket/prefix")
		}
		return file.Open(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse would show a password.
		return nil, fmt.Errorf("snapshot: store %s:…: not an address: write a folder, or s3://bucket/prefix", scheme)
	}
	open := openers[u.Scheme]
	if open == nil {
		if slices.Contains(withTag, u.Scheme) {
			return nil, fmt.Errorf("snapshot: store %s: this program was built without %s: build it with -tags cloud", u.Redacted(), u.Scheme)
		}
		return nil, fmt.Errorf("snapshot: store %s: unknown scheme %q: use a folder, file:, mem:, s3:, gs: or azblob:", u.Redacted(), u.Scheme)
	}
	b, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("snapshot: store %s: %w", u.Redacted(), err)
	}
	return b, nil
}

func openFolder(_ context.Context, u *url.URL) (bucket.Bucket, error) {
	dir := u.Path
	if u.Opaque != "" {
		dir, _ = url.PathUnescape(u.Opaque) // file:dir, relative.
	}
	if u.Host != "" && u.Host != "localhost" {
		return nil, fmt.Errorf("%q is taken for a host: write three slashes, file:///dir", u.Host)
	}
	if dir == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("a folder is wanted and nothing else: write file:///dir")
	}
	return file.Open(dir)
}

func openMemory(_ context.Context, u *url.URL) (bucket.Bucket, error) {
	if u.String() != "mem:" {
		return nil, fmt.Errorf("memory has no parts: write mem:")
	}
	return mem.New(), nil
}

func openS3(ctx context.Context, u *url.URL) (bucket.Bucket, error) {
	c, err := s3.ParseURL(u.String())
	if err != nil {
		return nil, err
	}
	return s3.Open(ctx, c)
}
