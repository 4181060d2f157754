//go:build cloud

package snapshot

import (
	"context"
	"net/url"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/cloud"
)

func init() {
	for _, scheme := range withTag {
		openers[scheme] = func(ctx context.Context, u *url.URL) (bucket.Bucket, error) {
			return cloud.Open(ctx, u.String())
		}
	}
}
