//go:build cloud

package cloud

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"gocloud.dev/blob/memblob"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
)

func TestConform(t *testing.T) {
	buckettest.Conform(t, func(*testing.T) bucket.Bucket {
		return &store{b: memblob.OpenBucket(nil), url: "mem:"}
	})
}

func TestConformWithPrefix(t *testing.T) {
	buckettest.Conform(t, func(t *testing.T) bucket.Bucket {
		b := memblob.OpenBucket(nil)
		// What lies beside the prefix is not in the bucket.
		if err := b.WriteAll(t.Context(), "teams/other", []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		return &store{b: b, url: "mem:", prefix: "teams/o/"}
	})
}

// TestUnreachable holds that a service that cannot be found is not taken for
// one without the object.
func TestUnreachable(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("get: %w", &net.DNSError{Err: "no such host", Name: "account.blob.core.windows.net"}): true,
		errors.New("RESPONSE 404: ERROR CODE: ContainerNotFound"):                                        true,
		errors.New("storage: bucket does not exist"):                                                     true,
		errors.New("RESPONSE 404: ERROR CODE: BlobNotFound"):                                             false,
		errors.New("storage: object doesn't exist"):                                                      false,
	} {
		if unreachable(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}
