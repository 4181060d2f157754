// Package buckettest holds the tests that every driver of package bucket
// passes, and a bucket that fails where a test wants it to.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"phasor/snapshot/bucket"
)

// Conform tests the contract of [bucket.Bucket]. The function opens an empty
// bucket; it is called once for every part of the suite.
func Conform(t *testing.T, open func(t *testing.T) bucket.Bucket) {
	for name, test := range map[string]func(*testing.T, bucket.Bucket){
		"RoundTrip":          roundTrip,
		"Absent":             absent,
		"Replace":            replace,
		"Create":             create,
		"Names":              names,
		"InvalidNames":       invalidNames,
		"List":               list,
		"LongList":           longList,
		"Aliasing":           aliasing,
		"OneCreatorWins":     oneCreatorWins,
		"ReadersSeeOneWrite": readersSeeOneWrite,
		"Canceled":           canceled,
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			defer func() {
				if err := b.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			test(t, b)
		})
	}
}

func roundTrip(t *testing.T, b bucket.Bucket) {
	for _, n := range []int{0, 1, 1000, 1 << 20} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * i >> 3)
		}
		name := fmt.Sprintf("size/%d", n)
		must(t, b.Put(t.Context(), name, data))
		expect(t, b, name, data)
		name = fmt.Sprintf("created/%d", n)
		must(t, b.Create(t.Context(), name, data))
		expect(t, b, name, data)
	}
	must(t, b.Put(t.Context(), "nil", nil))
	expect(t, b, "nil", []byte{})
}

func absent(t *testing.T, b bucket.Bucket) {
	must(t, b.Put(t.Context(), "a/b", []byte("x")))
	must(t, b.Put(t.Context(), "c", []byte("y")))
	// A name's beginning is no object, and neither is what follows one.
	for _, name := range []string{"absent", "absent/x", "a", "a/b/c", "c/d"} {
		if data, err := b.Get(t.Context(), name); !errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("get %q: %q, %v", name, data, err)
		}
		must(t, b.Delete(t.Context(), name))
	}
	expect(t, b, "a/b", []byte("x"))
	must(t, b.Delete(t.Context(), "a/b"))
	if data, err := b.Get(t.Context(), "a/b"); !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("get after delete: %q, %v", data, err)
	}
	expect(t, b, "c", []byte("y"))
	objects, err := b.List(t.Context(), "")
	must(t, err)
	if found := namesOf(objects); !slices.Equal(found, []string{"c"}) {
		t.Errorf("list: %q", found)
	}
}

func replace(t *testing.T, b bucket.Bucket) {
	for _, data := range []string{"first", "the second, longer", "3", ""} {
		must(t, b.Put(t.Context(), "x/y", []byte(data)))
		expect(t, b, "x/y", []byte(data))
	}
}

func create(t *testing.T, b bucket.Bucket) {
	must(t, b.Create(t.Context(), "dir/one", []byte("first")))
	must(t, b.Put(t.Context(), "dir/two", []byte("put")))
	for _, name := range []string{"dir/one", "dir/two"} {
		if err := b.Create(t.Context(), name, []byte("second")); !errors.Is(err, bucket.ErrExist) {
			t.Errorf("create %q again: %v", name, err)
		}
	}
	expect(t, b, "dir/one", []byte("first"))
	expect(t, b, "dir/two", []byte("put"))
	must(t, b.Put(t.Context(), "dir/one", []byte("replaced")))
	expect(t, b, "dir/one", []byte("replaced"))
	must(t, b.Delete(t.Context(), "dir/one"))
	must(t, b.Create(t.Context(), "dir/one", []byte("again")))
	expect(t, b, "dir/one", []byte("again"))
}

func names(t *testing.T, b bucket.Bucket) {
	all := []string{
		"a", "A", "a b", "a+b", "a%2Fb", "a%20b", "a&b=c", "a?b", "a#b", "a:b", "a'b\"c", "a..b", "...", ".hidden/x", "a~", "größe/日本",
		"press/0001/state/press.sensors.x_-Zk0aSQ2a1b2c3d4e5fg/3/00000000000000001234",
		strings.Repeat("e", bucket.MaxElement) + "/x", longest(),
	}
	slices.Sort(all)
	for _, name := range all {
		must(t, b.Create(t.Context(), name, []byte(name)))
	}
	for _, name := range all {
		expect(t, b, name, []byte(name))
		if err := b.Create(t.Context(), name, nil); !errors.Is(err, bucket.ErrExist) {
			t.Errorf("create %q again: %v", name, err)
		}
	}
	objects, err := b.List(t.Context(), "")
	must(t, err)
	if found := namesOf(objects); !slices.Equal(found, all) {
		t.Errorf("list:\n%q\nwanted\n%q", found, all)
	}
	for _, name := range all {
		must(t, b.Delete(t.Context(), name))
	}
	objects, err = b.List(t.Context(), "")
	must(t, err)
	if len(objects) != 0 {
		t.Errorf("list after deletes: %q", namesOf(objects))
	}
}

func longest() string {
	element := strings.Repeat("l", 200) + "/"
	return strings.Repeat(element, 4) + strings.Repeat("m", bucket.MaxName-4*len(element))
}

func invalidNames(t *testing.T, b bucket.Bucket) {
	must(t, b.Put(t.Context(), "x", []byte("x")))
	for _, name := range []string{
		"", "/", "/x", "x/", "a//b", ".", "..", "../x", "a/../../x", "a/./b", "~x", "a/~x", "a\x00b", "a\nb", "a\\b", "\xff",
		strings.Repeat("e", bucket.MaxElement+1), strings.Repeat("a/", bucket.MaxName/2) + "a",
	} {
		_, err := b.Get(t.Context(), name)
		for operation, err := range map[string]error{
			"get":    err,
			"put":    b.Put(t.Context(), name, []byte("y")),
			"create": b.Create(t.Context(), name, []byte("y")),
			"delete": b.Delete(t.Context(), name),
		} {
			if err == nil || errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrExist) {
				t.Errorf("%s %.40q: %v", operation, name, err)
			}
		}
	}
	for _, prefix := range []string{"/", "../", "a//", "~", "\x00"} {
		if objects, err := b.List(t.Context(), prefix); err == nil {
			t.Errorf("list %q: %q", prefix, namesOf(objects))
		}
	}
	objects, err := b.List(t.Context(), "")
	must(t, err)
	if found := namesOf(objects); !slices.Equal(found, []string{"x"}) {
		t.Errorf("list: %q", found)
	}
}

func list(t *testing.T, b bucket.Bucket) {
	all := []string{"a-b", "a/b-c/x", "a/b/c", "a/b0", "a/c/d/e", "a0", "b", "ü/x"}
	start := time.Now()
	for _, i := range []int{3, 1, 7, 0, 5, 2, 6, 4} {
		must(t, b.Put(t.Context(), all[i], []byte(all[i])))
	}
	for _, prefix := range []string{"", "a", "a/", "a/b", "a/b/", "a/b/c", "a/b/c/", "a/b/c/d", "a/c/d", "a-", "a0", "b", "c", "c/d", ".", "a/.", "\xc3", "ü"} {
		objects, err := b.List(t.Context(), prefix)
		must(t, err)
		var want []string
		for _, name := range all {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		if found := namesOf(objects); !slices.Equal(found, want) {
			t.Errorf("list %q: %q, wanted %q", prefix, found, want)
		}
		for _, o := range objects {
			if o.Size != int64(len(o.Name)) {
				t.Errorf("size of %q is %d", o.Name, o.Size)
			}
			// The store's clock may be another machine's, and coarse.
			if age := o.Modified.Sub(start); age < -time.Hour || age > time.Hour {
				t.Errorf("%q was modified at %v, written at %v", o.Name, o.Modified, start)
			}
		}
	}
}

// longList holds more objects than a store returns in one answer.
func longList(t *testing.T, b bucket.Bucket) {
	const n = 1050
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("list/%04d", i))
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < n; i += 8 {
				if err := b.Put(t.Context(), want[i], nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	objects, err := b.List(t.Context(), "list/")
	must(t, err)
	if found := namesOf(objects); !slices.Equal(found, want) {
		t.Errorf("%d objects of %d", len(found), n)
	}
}

func aliasing(t *testing.T, b bucket.Bucket) {
	data := []byte("data")
	must(t, b.Put(t.Context(), "put", data))
	must(t, b.Create(t.Context(), "create", data))
	data[0] = 'X'
	for _, name := range []string{"put", "create"} {
		found, err := b.Get(t.Context(), name)
		must(t, err)
		found[1] = 'Y'
		expect(t, b, name, []byte("data"))
	}
}

func oneCreatorWins(t *testing.T, b bucket.Bucket) {
	for round := range 5 {
		name := fmt.Sprintf("race/%d", round)
		var wg sync.WaitGroup
		var winner atomic.Pointer[string]
		for i := range 8 {
			wg.Go(func() {
				data := fmt.Sprintf("creator %d", i)
				switch err := b.Create(t.Context(), name, []byte(data)); {
				case err == nil:
					if other := winner.Swap(&data); other != nil {
						t.Errorf("%s and %s both created %q", *other, data, name)
					}
				case !errors.Is(err, bucket.ErrExist):
					t.Error(err)
				default:
					if _, err := b.Get(t.Context(), name); err != nil {
						t.Errorf("after ErrExist: %v", err)
					}
				}
			})
		}
		wg.Wait()
		if winner.Load() == nil {
			t.Fatalf("nobody created %q", name)
		}
		expect(t, b, name, []byte(*winner.Load()))
	}
}

func readersSeeOneWrite(t *testing.T, b bucket.Bucket) {
	const size = 100_000
	must(t, b.Put(t.Context(), "x", bytes.Repeat([]byte{'a'}, size)))
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		writers.Go(func() {
			for i := range 15 {
				if err := b.Put(t.Context(), "x", bytes.Repeat([]byte{byte('b' + 2*i + w)}, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				data, err := b.Get(t.Context(), "x")
				if err != nil {
					t.Error(err)
				} else if len(data) != size || bytes.Count(data, data[:1]) != size {
					t.Error("a reader saw parts of two writes")
				}
				objects, err := b.List(t.Context(), "")
				if err != nil || len(objects) != 1 || objects[0].Size != size {
					t.Errorf("list: %v, %v", objects, err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func canceled(t *testing.T, b bucket.Bucket) {
	must(t, b.Put(t.Context(), "x", []byte("x")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, get := b.Get(ctx, "x")
	_, list := b.List(ctx, "")
	for operation, err := range map[string]error{
		"get":    get,
		"list":   list,
		"put":    b.Put(ctx, "x", []byte("y")),
		"create": b.Create(ctx, "y", []byte("y")),
		"delete": b.Delete(ctx, "x"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", operation, err)
		}
	}
	expect(t, b, "x", []byte("x"))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, b bucket.Bucket, name string, want []byte) {
	t.Helper()
	found, err := b.Get(t.Context(), name)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(found, want) {
		t.Errorf("%q holds %d bytes, %.60q, wanted %d, %.60q", name, len(found), found, len(want), want)
	}
}

func namesOf(objects []bucket.Object) []string {
	var s []string
	for _, o := range objects {
		s = append(s, o.Name)
	}
	return s
}
