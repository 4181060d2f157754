package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"phasor/stream"
)

// naiveWindows is what windows mean, told by the whole history of each key.
type naiveWindows struct {
	limit, lags, stride int
	order               []string // keys, the one that was silent longest first
	history             map[string][][]float64
}

func (n *naiveWindows) add(key string, x []float64) []float64 {
	if i := slices.Index(n.order, key); i >= 0 {
		n.order = slices.Delete(n.order, i, i+1)
	} else if len(n.order) == n.limit {
		delete(n.history, n.order[0])
		n.order = n.order[1:]
	}
	n.order = append(n.order, key)
	n.history[key] = append(n.history[key], slices.Clone(x))
	h := n.history[key]
	if len(h) < n.lags || (len(h)-n.lags)%n.stride != 0 {
		return nil
	}
	var v []float64
	for c := range x {
		for _, row := range h[len(h)-n.lags:] {
			v = append(v, row[c])
		}
	}
	return v
}

// Windows are what the whole history gives, whatever the restarts in between.
func TestWindowsAgreeWithHistory(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds(60) {
		lags, stride, limit, many := 2+rng.IntN(6), 1+rng.IntN(9), 1+rng.IntN(40), 1+rng.IntN(60)
		key := []string{"", recordKey, "id", "id"}[rng.IntN(4)]
		format := []string{"json", "csv", "log"}[rng.IntN(3)]
		c := Config{Format: format, Channels: []Channel{{Name: "a"}, {Name: "b"}}, Window: Window{Lags: lags, Key: key, Stride: stride, Keys: limit}}
		switch format {
		case "csv":
			c.CSV.Header = []string{"id", "a", "b"}
		case "log":
			c.Log.Pattern = "id <id> has <a> and <b>"
		}
		naive := naiveWindows{limit: limit, lags: lags, stride: stride, history: map[string][][]float64{}}
		d := mustNew(t, c)
		x := make([]float64, 2*lags)
		emitted := 0
		for i := range 400 {
			id := fmt.Sprint("k", rng.IntN(many))
			v := []float64{float64(i), float64(rng.IntN(9)) / 2}
			r := &stream.Record{Time: int64(i), Key: []byte(id)}
			switch format {
			case "json":
				r.Value = fmt.Appendf(nil, `{"id":%q,"a":%v,"b":%v}`, id, v[0], v[1])
			case "csv":
				r.Value = fmt.Appendf(nil, "%s,%v,%v", id, v[0], v[1])
			default:
				r.Value = fmt.Appendf(nil, "id %s has %v and %v", id, v[0], v[1])
			}
			if key == "" {
				id = ""
			}
			want := naive.add(id, v)
			got := d.Decode(x, r)
			if got.Reason != Accepted || got.Emitted != (want != nil) || got.Emitted && (!slices.Equal(x, want) || got.Time != int64(i)) || !got.Emitted && got.Time != -1 {
				t.Fatalf("round %d, record %d, %+v: %+v %v, want %v", round, i, c.Window, got, x, want)
			}
			if got.Emitted {
				emitted++
			}
			if rng.IntN(20) == 0 { // A restart leaves no trace.
				state := d.State()
				d = mustNew(t, c)
				if err := d.Restore(state); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(d.State(), state) {
					t.Fatal("the state changes by being restored")
				}
			}
		}
		if emitted == 0 && many == 1 {
			t.Errorf("no window of 400 records of a key: %+v", c.Window)
		}
	}
}

// The state does not grow beyond its bound, however many keys come.
func TestWindowMemoryIsBounded(t *testing.T) {
	c := Config{Channels: []Channel{{Name: "a"}}, Window: Window{Lags: 4, Key: "id", Keys: 50}}
	d := mustNew(t, c)
	x := make([]float64, 4)
	r := &stream.Record{}
	most := int(c.withDefaults().Window.bytes(1)) + 100
	for i := range 5000 {
		r.Value = fmt.Appendf(r.Value[:0], `{"id":"%d%s","a":%d}`, i, strings.Repeat("x", i%300), i)
		d.Decode(x, r)
	}
	if n := len(d.State()); n > most {
		t.Errorf("%d bytes after 5000 keys, at most %d were promised", n, most)
	}
	values := make([][]byte, 200)
	for i := range values {
		values[i] = fmt.Appendf(nil, `{"id":"%d","a":1}`, i)
	}
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		r.Value = values[i%len(values)]
		i++
		if got := d.Decode(x, r); got.Reason != Accepted {
			t.Fatal(got)
		}
	}); n != 0 {
		t.Errorf("%v allocations a record while keys replace each other", n)
	}
}

// Records without a key, or that are rejected, leave no trace.
func TestWindowRejects(t *testing.T) {
	c := Config{Channels: []Channel{{Name: "a"}}, Window: Window{Lags: 2, Key: "id"}}
	d := mustNew(t, c)
	x := make([]float64, 2)
	d.Decode(x, rec(`{"id":"k","a":1}`))
	before := d.State()
	for value, want := range map[string]Reason{`{"a":1}`: Schema, `{"id":null,"a":1}`: Schema, `{"id":[1],"a":1}`: Schema, `{"id":"k"}`: Schema, `{"id":"k","a":1e999}`: Nonfinite, `x`: Decode} {
		if r := d.Decode(x, rec(value)); r.Reason != want || r.Emitted {
			t.Errorf("%s: %+v, want %v", value, r, want)
		}
	}
	if !bytes.Equal(d.State(), before) {
		t.Error("a rejected record changed the windows")
	}
	if r := d.Decode(x, rec(`{"id":"k","a":2}`)); !r.Emitted || x[0] != 1 || x[1] != 2 {
		t.Errorf("%+v %v", r, x)
	}
	if r := mustNew(t, c).Decode(x, rec(`{"id":"k","id":null,"a":1}`)); r.Reason != Schema {
		t.Errorf("the last of equal names is no key: %+v", r)
	}
	table := mustNew(t, Config{Format: "csv", Channels: c.Channels, CSV: CSV{Header: []string{"id", "a"}}, Window: c.Window})
	if r := table.Decode(x, rec(`,1`)); r.Reason != Schema {
		t.Errorf("an empty cell is no key: %+v", r)
	}
	c.Window.Key = recordKey
	if r := mustNew(t, c).Decode(x, rec(`{"a":1}`)); r.Reason != Schema {
		t.Errorf("a record without a key: %+v", r)
	}
}

// Windows of what remembers itself: ticks of tags, and last values.
func TestWindowsOfOtherMemories(t *testing.T) {
	c := Config{Format: "tags", Channels: []Channel{{Name: "a"}}, Tags: Tags{Time: "t"}, Window: Window{Lags: 2}}
	d := mustNew(t, c)
	x := make([]float64, 2)
	for i := range 5 {
		state := d.State()
		d = mustNew(t, c)
		if err := d.Restore(state); err != nil {
			t.Fatal(err)
		}
		r := d.Decode(x, rec(fmt.Sprintf(`{"tag":"a","value":%d,"t":%d}`, i*i, i)))
		if want := i >= 2; r.Emitted != want || want && (x[1] != float64((i-1)*(i-1)) || r.Time != int64(i-1)) {
			t.Errorf("tick %d: %+v %v", i, r, x)
		}
	}
	d = mustNew(t, Config{Channels: []Channel{{Name: "a"}}, Missing: "last", Window: Window{Lags: 3}})
	x = make([]float64, 3)
	missing := 0
	for _, v := range []string{`{}`, `{"a":1}`, `{}`, `{"a":3}`} {
		missing += d.Decode(x, rec(v)).Missing
	}
	if missing != 1 || x[0] != 1 || x[1] != 1 || x[2] != 3 {
		t.Errorf("%v, %d missing", x, missing)
	}
}

func TestWindowErrorsSayWhatToDo(t *testing.T) {
	a := []Channel{{Name: "a"}}
	for _, c := range []struct {
		c    Config
		want string
	}{
		{Config{Window: Window{Key: "k"}}, "window.lags"},
		{Config{Window: Window{Lags: 1}}, "from 2 to 1024"},
		{Config{Window: Window{Lags: 2000}}, "from 2 to 1024"},
		{Config{Window: Window{Lags: -2}}, "from 2 to 1024"},
		{Config{Window: Window{Lags: 2, Stride: -1}}, "stride"},
		{Config{Window: Window{Lags: 2, Keys: -1}}, "keys"},
		{Config{Window: Window{Lags: 1000, Keys: 100000}}, "lower window.keys"},
		{Config{Window: Window{Lags: 2, Key: "k"}, Missing: "last"}, "missing: reject"},
		{Config{Window: Window{Lags: 2, Key: "k"}, Format: "float64"}, "$key"},
		{Config{Window: Window{Lags: 2, Key: "$key"}, Format: "tags"}, "one series"},
		{Config{Window: Window{Lags: 2, Key: "a..b"}}, "empty name"},
		{Config{Window: Window{Lags: 2, Key: "k"}, Format: "csv", CSV: CSV{Header: []string{"a"}}}, "window.key"},
	} {
		c.c.Channels = a
		if err := c.c.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "decode: ") {
			t.Errorf("%+v: %v, want %q", c.c.Window, err, c.want)
		}
	}
	seen := map[string]bool{}
	for _, w := range []Window{{}, {Lags: 2}, {Lags: 3}, {Lags: 2, Key: "k"}, {Lags: 2, Stride: 2}, {Lags: 2, Keys: 5}} {
		f := Config{Channels: a, Window: w}.Fingerprint()
		if seen[f] {
			t.Errorf("%+v has the fingerprint of another", w)
		}
		seen[f] = true
	}
	names := Config{Channels: []Channel{{Name: "v"}, {Name: "w", Transform: "log1p"}}, Window: Window{Lags: 11}}.Vector()
	if len(names) != 22 || names[0].Name != "v.00" || names[10].Name != "v.10" || names[11].Name != "w.00" || names[11].Transform != "log1p" {
		t.Errorf("%+v", names)
	}
}

// What was damaged is refused, and changes nothing.
func TestWindowStateErrors(t *testing.T) {
	c := Config{Channels: []Channel{{Name: "a"}}, Window: Window{Lags: 3, Key: "id", Stride: 2, Keys: 4}}
	d := mustNew(t, c)
	for i := range 9 {
		d.Decode(make([]float64, 3), rec(fmt.Sprintf(`{"id":"%d","a":%d}`, i%5, i)))
	}
	state := d.State()
	for n := 1; n < len(state); n++ {
		if err := d.Restore(state[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken for a state", n, len(state))
		}
	}
	for i := range state {
		for bit := range 8 {
			damaged := bytes.Clone(state)
			damaged[i] ^= 1 << bit
			other := mustNew(t, c)
			if err := other.Restore(damaged); err == nil && !bytes.Equal(other.State(), damaged) {
				t.Errorf("byte %d: what is restored is not what was given", i)
			} else if err != nil && !bytes.Equal(other.State(), mustNew(t, c).State()) {
				t.Errorf("byte %d: a state that was refused changed the decoder", i)
			}
		}
	}
	if !bytes.Equal(d.State(), state) {
		t.Error("failed restores changed the decoder")
	}

	// Two keys with two values each, of which the second is made the first.
	d = mustNew(t, c)
	for i := range 4 {
		d.Decode(make([]float64, 3), rec(fmt.Sprintf(`{"id":"%d","a":1}`, i%2)))
	}
	twice := d.State()
	entry := 24 + 2*8
	copy(twice[len(twice)-entry:], twice[len(twice)-2*entry:len(twice)-entry])
	if err := d.Restore(twice); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a key that is there twice: %v", err)
	}
}
