package mac_test

import (
	"crypto/sha256"
	"testing"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mac"
	"phasor/snapshot/bucket/mem"
	"phasor/snapshot/safetensors"
)

// What a signature costs an object of 43 kB, a sketch of 10 channels at m = 1024, beside the SHA-256 that it has anyway.
func BenchmarkObject(b *testing.B) {
	f := &safetensors.File{Metadata: map[string]string{"format": "phasor.pane/1"}}
	f.Add(safetensors.Int64s("A", make([]int64, 5376), 5376))
	data, err := f.Encode()
	must(b, err)
	b.Run("sha256", func(b *testing.B) {
		for b.Loop() {
			sha256.Sum256(data)
		}
	})
	for name, store := range map[string]bucket.Bucket{"plain": mem.New(), "signed": mac.Wrap(mem.New(), mac.Options{Keys: keys(b, first)})} {
		b.Run("put/"+name, func(b *testing.B) {
			for b.Loop() {
				must(b, store.Put(b.Context(), "line/0001/x", data))
			}
		})
		b.Run("get/"+name, func(b *testing.B) {
			must(b, store.Put(b.Context(), "line/0001/x", data))
			for b.Loop() {
				_, err := store.Get(b.Context(), "line/0001/x")
				must(b, err)
			}
		})
	}
}
