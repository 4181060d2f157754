//go:build !cloud

package cloud

import (
	"context"
	"fmt"

	"phasor/snapshot/bucket"
)

// Open returns the bucket that a URL names.
func Open(_ context.Context, url string) (bucket.Bucket, error) {
	location, _, err := split(url)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("bucket/cloud: open %s: %w", location, ErrNotBuilt)
}
