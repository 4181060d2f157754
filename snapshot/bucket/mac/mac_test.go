package mac_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/file"
	"phasor/snapshot/bucket/mac"
	"phasor/snapshot/bucket/mem"
	"phasor/snapshot/safetensors"
)

var (
	first  = strings.Repeat("0f", 32)
	second = strings.Repeat("a1b2", 16)
)

func keys(t testing.TB, lines ...string) *mac.Keys {
	t.Helper()
	k, err := mac.ParseKeys(strings.Join(lines, "\n"))
	must(t, err)
	return k
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConform(t *testing.T) {
	signed := mac.Options{Keys: keys(t, first)}
	for what, open := range map[string]func(*testing.T) bucket.Bucket{
		"mem":      func(*testing.T) bucket.Bucket { return mac.Wrap(mem.New(), signed) },
		"unsigned": func(*testing.T) bucket.Bucket { return mac.Wrap(mem.New(), mac.Options{}) },
		"bounded":  func(*testing.T) bucket.Bucket { return bucket.Bound(mac.Wrap(mem.New(), signed), time.Minute) },
		"file": func(t *testing.T) bucket.Bucket {
			b, err := file.Open(t.TempDir())
			must(t, err)
			return mac.Wrap(b, signed)
		},
	} {
		t.Run(what, func(t *testing.T) { buckettest.Conform(t, open) })
	}
}

// examples are objects of every form that a tag takes.
func examples(t testing.TB) map[string][]byte {
	t.Helper()
	f := &safetensors.File{Metadata: map[string]string{"format": "phasor.state/1", "channels": `["a","b"]`}}
	f.Add(safetensors.Int64s("next", []int64{42}, 1), safetensors.Int64s("sums", []int64{1, 2, 3, 4}, 2, 2))
	tensors, err := f.Encode()
	must(t, err)
	onnx := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 8)
	onnx = protowire.AppendString(protowire.AppendTag(onnx, 2, protowire.BytesType), "phasor")
	return map[string][]byte{
		"safetensors": tensors,
		"json":        []byte(`{"next":12,"time_ms":7}`),
		"indented":    []byte("{\n  \"records\": 12\n}\n"),
		"onnx":        onnx,
		"empty":       {},
		"brace":       []byte("{"),
		"nothing":     []byte("{}"),
		"list":        []byte(`[1]`),
		"text":        []byte("This object may be deleted.\n"),
	}
}

// Whatever one bit of a signed object becomes, it is refused; and so it is under another name and with another key.
func TestNothingElseVerifies(t *testing.T) {
	k := keys(t, first)
	for what, data := range examples(t) {
		signed := k.Sign("line/0001/x", data)
		if len(signed) != len(data)+mac.Size {
			t.Errorf("%s: %d bytes more, wanted %d", what, len(signed)-len(data), mac.Size)
		}
		store := mem.New()
		b := mac.Wrap(store, mac.Options{Keys: k})
		read := func(name string, stored []byte) ([]byte, error) {
			must(t, store.Put(t.Context(), name, stored))
			return b.Get(t.Context(), name)
		}
		refused := func(how, name string, stored []byte) {
			t.Helper()
			got, err := read(name, stored)
			var u *bucket.UnauthenticError
			if !errors.As(err, &u) || !errors.Is(err, bucket.ErrUnauthentic) || !bytes.Equal(u.Stored, stored) || u.Name != name || u.Why == "" {
				t.Errorf("%s: %s: %q, %v", what, how, got, err)
			}
		}
		if got, err := read("line/0001/x", signed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		for i := range 8 * len(signed) {
			bad := bytes.Clone(signed)
			bad[i/8] ^= 1 << (i % 8)
			refused(fmt.Sprintf("bit %d", i), "line/0001/x", bad)
		}
		for n := range signed {
			refused(fmt.Sprintf("the first %d bytes", n), "line/0001/x", signed[:n])
		}
		refused("unsigned", "line/0001/x", data)
		refused("a name that begins so", "line/0001/xy", signed)
		refused("another name", "line/0002/x", signed)
		refused("no folder", "x", signed)
		refused("another key", "line/0001/x", keys(t, second).Sign("line/0001/x", data))
		refused("two tags", "line/0001/x", keys(t, second).Sign("line/0001/x", signed))
		// The border between name and data is under the tag.
		if what == "text" {
			refused("a byte that moved", "line/0001/x", append([]byte("y"), k.Sign("line/0001/xy", data)...))
		}
	}
}

// With the keys of two operators' files the tag of the one must not stand for that of the other.
func TestRotation(t *testing.T) {
	store := mem.New()
	old := mac.Wrap(store, mac.Options{Keys: keys(t, first)})
	both := mac.Wrap(store, mac.Options{Keys: keys(t, "# the new one", second, "", first)})
	young := mac.Wrap(store, mac.Options{Keys: keys(t, second)})
	must(t, old.Put(t.Context(), "a", []byte("a")))
	must(t, both.Put(t.Context(), "b", []byte("b")))
	for _, c := range []struct {
		b    bucket.Bucket
		name string
		ok   bool
	}{{old, "a", true}, {old, "b", false}, {both, "a", true}, {both, "b", true}, {young, "a", false}, {young, "b", true}} {
		if _, err := c.b.Get(t.Context(), c.name); (err == nil) != c.ok {
			t.Errorf("%q: %v, wanted %v", c.name, err, c.ok)
		}
	}
	resign := func(name string, trust bool) mac.Outcome {
		done, why, err := mac.Resign(t.Context(), store, keys(t, second, first), name, trust)
		if err != nil || (done == mac.Refused) != (why != "") {
			t.Errorf("%q: %v, %q", name, err, why)
		}
		return done
	}
	must(t, store.Put(t.Context(), "c", []byte(`{"c":1}`)))
	must(t, store.Put(t.Context(), "d", keys(t, first).Sign("a", []byte("moved"))))
	for _, c := range []struct {
		name  string
		trust bool
		want  mac.Outcome
	}{{"a", false, mac.Resigned}, {"a", false, mac.Current}, {"b", false, mac.Current}, {"c", false, mac.Unsigned}, {"c", true, mac.Signed}, {"c", true, mac.Current},
		{"d", true, mac.Refused}, {"e", true, mac.Gone}} {
		if got := resign(c.name, c.trust); got != c.want {
			t.Errorf("%q, %v: %s, wanted %s", c.name, c.trust, got, c.want)
		}
	}
	for name, want := range map[string]string{"a": "a", "b": "b", "c": `{"c":1}`} {
		if got, err := young.Get(t.Context(), name); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

// Two writers of equal bytes agree although their keys differ; the second is told that the name is taken.
func TestTwoWritersOfEqualBytes(t *testing.T) {
	store := mem.New()
	a, b := mac.Wrap(store, mac.Options{Keys: keys(t, first, second)}), mac.Wrap(store, mac.Options{Keys: keys(t, second, first)})
	must(t, a.Create(t.Context(), "x", []byte("same")))
	if err := b.Create(t.Context(), "x", []byte("same")); !errors.Is(err, bucket.ErrExist) {
		t.Error(err)
	}
	if got, err := b.Get(t.Context(), "x"); err != nil || string(got) != "same" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnsignedStores(t *testing.T) {
	store := mem.New()
	must(t, store.Put(t.Context(), "old", []byte("old")))
	lenient := mac.Wrap(store, mac.Options{Keys: keys(t, first), AllowUnsigned: true})
	if got, err := lenient.Get(t.Context(), "old"); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	must(t, lenient.Put(t.Context(), "new", []byte("new")))
	if _, err := mac.Wrap(store, mac.Options{Keys: keys(t, first)}).Get(t.Context(), "new"); err != nil {
		t.Error(err)
	}
	must(t, store.Put(t.Context(), "forged", keys(t, second).Sign("forged", []byte("forged"))))
	if _, err := lenient.Get(t.Context(), "forged"); !errors.Is(err, bucket.ErrUnauthentic) {
		t.Errorf("a wrong tag is as good as none: %v", err)
	}
	// Who has no key is not told that the object is damaged, and is not given it.
	_, err := mac.Wrap(store, mac.Options{}).Get(t.Context(), "new")
	if !errors.Is(err, mac.ErrSigned) || errors.Is(err, bucket.ErrUnauthentic) {
		t.Error(err)
	}
	objects, err := lenient.List(t.Context(), "")
	must(t, err)
	for _, o := range objects {
		if want := map[string]int64{"new": 3, "forged": 6, "old": 0}[o.Name]; o.Size != want {
			t.Errorf("%s: %d bytes, wanted %d", o.Name, o.Size, want)
		}
	}
}

// Stock readers pass over the tag.
func TestSignedObjectsCanBeRead(t *testing.T) {
	k, all := keys(t, first), examples(t)
	f, err := safetensors.Decode(all["safetensors"])
	must(t, err)
	signed := k.Sign("x", all["safetensors"])
	var header struct {
		Metadata map[string]string `json:"__metadata__"`
		Next     struct {
			Offsets []int `json:"data_offsets"`
		}
	}
	n := int(signed[0]) | int(signed[1])<<8
	must(t, json.Unmarshal(signed[8:8+n], &header))
	if len(signed[8+n:])%8 != 0 || n%8 != 0 || header.Metadata["hmac.sha256"] == "" || header.Metadata["format"] != f.Format() || header.Metadata["channels"] != f.Metadata["channels"] {
		t.Errorf("%+v of %d bytes", header, n)
	}
	if data := signed[8+n:]; data[header.Next.Offsets[0]] != 42 {
		t.Errorf("the tensors moved: %v", header.Next)
	}
	for _, name := range []string{"json", "indented"} {
		var before, after map[string]any
		must(t, json.Unmarshal(all[name], &before))
		must(t, json.Unmarshal(k.Sign("x", all[name]), &after))
		if delete(after, "hmac.sha256"); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%s: %v, wanted %v", name, after, before)
		}
	}
	fields := 0
	for b := k.Sign("x", all["onnx"]); len(b) > 0; fields++ {
		_, _, n := protowire.ConsumeField(b)
		must(t, protowire.ParseError(n))
		b = b[n:]
	}
	if fields != 3 {
		t.Errorf("%d fields, wanted two and the tag", fields)
	}
}

// Data of any bytes come back as they went in, also such that look as if they were signed.
func TestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	rng, k := rand.New(rand.NewPCG(seed, 0)), keys(t, first)
	var all [][]byte
	for _, data := range examples(t) {
		all = append(all, data, k.Sign("x", data), k.Sign("x", k.Sign("x", data)))
	}
	for range 20000 {
		data := bytes.Clone(all[rng.IntN(len(all))])
		for range rng.IntN(4) {
			switch i := rng.IntN(len(data) + 1); rng.IntN(3) {
			case 0:
				data = append(data[:i:i], append([]byte(`{"`), data[i:]...)...)
			case 1:
				data = data[:i]
			case 2:
				data = append(data, all[rng.IntN(len(all))]...)
			}
		}
		signed := k.Sign("x", data)
		back, first, why := k.Verify("x", signed)
		if !first || why != "" || !bytes.Equal(back, data) {
			t.Fatalf("seed %d: %q became %q: %s", seed, data, back, why)
		}
		if stripped, id := mac.Strip(signed); id != k.IDs()[0] || !bytes.Equal(stripped, data) {
			t.Fatalf("seed %d: %q was stripped to %q", seed, data, stripped)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := keys(f, first)
	for _, data := range examples(f) {
		f.Add(data)
		f.Add(k.Sign("x", data))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if back, _, why := k.Verify("x", k.Sign("x", b)); why != "" || !bytes.Equal(back, b) {
			t.Errorf("%q: %s", b, why)
		}
		if data, _, why := k.Verify("x", b); why == "" && !bytes.Equal(k.Sign("x", data), b) {
			t.Errorf("%q verifies and is not what is signed", b)
		}
	})
}

func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "no key",
		"# " + first:                   "no key",
		"short":                        "line 1 is no key",
		first + "\n" + first[:62]:      "line 2 is no key",
		first + "\n\n" + first:         "line 3",
		strings.Repeat("password", 10): "line 1 is no key",
	} {
		_, err := mac.ParseKeys(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		} else if strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), first[:20]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	path := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(path, []byte(first+"\r\n"+strings.ToUpper(second)+"\n"), 0o600))
	k, err := mac.ReadKeys(path)
	must(t, err)
	if ids := k.IDs(); len(ids) != 2 || ids[1] != keys(t, second).IDs()[0] {
		t.Errorf("%q", ids)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(text, first[:16]) || strings.Contains(text, "15 15") {
		t.Errorf("printing shows the keys: %s", text)
	}
	if _, err := mac.ReadKeys(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A write that breaks off leaves the old object, the new one or one that is refused, and never bars the name.
func TestBrokenWrites(t *testing.T) {
	for _, fault := range []buckettest.Fault{buckettest.Fail, buckettest.Done, buckettest.Torn, buckettest.Flipped} {
		for _, create := range []bool{false, true} {
			store := mem.New()
			faulty := buckettest.NewFaulty(store, buckettest.At(0, fault))
			b := mac.Wrap(faulty, mac.Options{Keys: keys(t, first)})
			write := b.Put
			if create {
				write = b.Create
			}
			_ = write(t.Context(), "x", []byte(`{"next":12}`)) // Broken.
			got, err := b.Get(t.Context(), "x")
			switch {
			case err == nil && string(got) == `{"next":12}`:
			case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrUnauthentic):
			default:
				t.Errorf("fault %d: %q, %v", fault, got, err)
			}
			if objects, err := store.List(t.Context(), ""); err != nil || len(objects) > 1 {
				t.Errorf("fault %d left %v, %v", fault, objects, err)
			}
			must(t, b.Put(t.Context(), "x", []byte("again")))
			if got, err := b.Get(t.Context(), "x"); err != nil || string(got) != "again" {
				t.Errorf("fault %d bars the name: %q, %v", fault, got, err)
			}
		}
	}
}
