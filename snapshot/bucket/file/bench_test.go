package file_test

import (
	"strconv"
	"testing"

	"phasor/snapshot/bucket/file"
)

// BenchmarkPut writes objects of a state's size, each synced with its folder.
func BenchmarkPut(b *testing.B) {
	store, err := file.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	data := make([]byte, 100_000)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		if err := store.Put(b.Context(), "state/"+strconv.Itoa(i%5), data); err != nil {
			b.Fatal(err)
		}
	}
}
