package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/safetensors"
)

func TestNewestStateIsLoaded(t *testing.T) {
	e, _, r := newEpoch(t)
	p := partition(3)
	if _, err := e.LoadState(t.Context(), p, testFold); !errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, snapshot.ErrAllCorrupt) {
		t.Errorf("no state: %v", err)
	}
	var saved *snapshot.State
	for _, next := range []int64{9, 10, 99, 100, 1 << 40} {
		saved = stateAt(e.Map(), p, next)
		if e.Unchanged(p, next) {
			t.Errorf("unchanged at %d before it was saved", next)
		}
		must(t, e.SaveState(t.Context(), saved))
		if !e.Unchanged(p, next) || e.Unchanged(partition(4), next) {
			t.Errorf("not unchanged at %d after it was saved", next)
		}
	}
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), partition(30), 1<<50)))
	found, err := e.LoadState(t.Context(), p, testFold)
	must(t, err)
	if d := cmp.Diff(saved, found, sameStates); d != "" {
		t.Error(d)
	}
	if found.Sealed.Map() != e.Map() || found.Open[1700000040000].Map() != e.Map() {
		t.Error("the accumulators are not bound to the epoch's map")
	}
	if len(r.corrupt)+len(r.conflict) > 0 {
		t.Errorf("reported %q, %q", r.corrupt, r.conflict)
	}
}

func TestFoldGatesResuming(t *testing.T) {
	e, _, _ := newEpoch(t)
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), partition(0), 5)))
	want := slices.Clone(testFold)
	want[2].Value = "reject"
	var mismatch *snapshot.FoldMismatchError
	if _, err := e.LoadState(t.Context(), partition(0), want); !errors.As(err, &mismatch) || mismatch.Field != "missing" || mismatch.FoundValue != "last" || mismatch.WantValue != "reject" {
		t.Errorf("another fold: %v", err)
	}
	if _, err := e.LoadState(t.Context(), partition(0), nil); err != nil {
		t.Errorf("any fold: %v", err)
	}
}

func TestSameStateTwice(t *testing.T) {
	e, b, r := newEpoch(t)
	errs := make([]error, 16)
	race(len(errs), func(i int) { errs[i] = e.SaveState(t.Context(), stateAt(e.Map(), partition(0), 5)) })
	must(t, errors.Join(errs...))
	if found := names(t, b, "line/0001/state/"); len(found) != 1 || len(r.conflict) != 0 {
		t.Errorf("states %q, conflicts %q", found, r.conflict)
	}
	other := stateAt(e.Map(), partition(0), 5)
	other.Late++
	var conflict *snapshot.ConflictError
	if err := e.SaveState(t.Context(), other); !errors.As(err, &conflict) || conflict.Name != stateName(partition(0), 5) || !errors.Is(err, snapshot.ErrConflict) {
		t.Errorf("other bytes: %v", err)
	}
	if len(r.conflict) != 1 {
		t.Errorf("conflicts %q", r.conflict)
	}
	if s, err := e.LoadState(t.Context(), partition(0), nil); err != nil || s.Late != 4 {
		t.Errorf("the first does not stay: %v", err)
	}
}

// TestEveryDamageOfTheNewestIsNoticed truncates the newest state at every byte and flips a bit of every byte. Through the
// store, where it expects the state before it each time and the damaged one kept aside, it takes every seventh byte,
// and all of them with PHASOR_LONG=1.
func TestEveryDamageOfTheNewestIsNoticed(t *testing.T) {
	e, b, r := newEpoch(t)
	p := partition(0)
	old, newest := stateAt(e.Map(), p, 5), stateAt(e.Map(), p, 6)
	old.Open, newest.Open = nil, nil
	must(t, e.SaveState(t.Context(), old))
	good, name := encode(t, newest), stateName(p, 6)
	want := encode(t, old)
	check := func(what string, i int, damaged []byte) {
		t.Helper()
		must(t, b.Put(t.Context(), name, damaged))
		s, err := e.LoadState(t.Context(), p, testFold)
		if err != nil {
			t.Fatalf("%s %d: %v", what, i, err)
		}
		if s.Next != 5 || !bytes.Equal(encode(t, s), want) {
			t.Fatalf("%s %d: loaded the state at %d", what, i, s.Next)
		}
		if _, err := b.Get(t.Context(), name); !errors.Is(err, bucket.ErrNotExist) {
			t.Fatalf("%s %d: the damaged state was not set aside: %v", what, i, err)
		}
	}
	step := 7
	if os.Getenv("PHASOR_LONG") == "1" {
		step = 1
	}
	n := 0
	for i := range good {
		damaged := bytes.Clone(good)
		damaged[i] ^= 1 << (i % 8)
		for _, b := range [][]byte{good[:i], damaged} {
			if _, err := snapshot.DecodeState(b); !errors.Is(err, snapshot.ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
		if i%step == 0 {
			check("truncated at", i, good[:i])
			check("flipped in byte", i, damaged)
			n += 2
		}
	}
	aside := names(t, b, "line/0001/corrupt/state/")
	if len(r.corrupt) != n || len(aside) != n {
		t.Errorf("%d damages, %d reported, %d set aside", n, len(r.corrupt), len(aside))
	}
	if !strings.HasPrefix(aside[0], strings.Replace(name, "/state/", "/corrupt/state/", 1)+".") {
		t.Errorf("set aside as %q", aside[0])
	}
	// The fold comes by again and saves what was lost.
	must(t, e.SaveState(t.Context(), newest))
	if s, err := e.LoadState(t.Context(), p, testFold); err != nil || s.Next != 6 {
		t.Errorf("saved again: %v", err)
	}
}

// TestDamageOnTheWayLosesNothing: a state that only arrived damaged is not set aside.
func TestDamageOnTheWayLosesNothing(t *testing.T) {
	_, b, _ := newEpoch(t)
	faulty := buckettest.NewFaulty(b, nil)
	r := new(recorder)
	e := open(t, faulty, r.hooks())
	p := partition(0)
	for next := range int64(3) {
		must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, next)))
	}
	faulty.SetPlan(func(o buckettest.Operation) buckettest.Fault {
		if o.Kind == "get" && len(r.corrupt) == 0 {
			return buckettest.Flipped
		}
		return buckettest.None
	})
	if s, err := e.LoadState(t.Context(), p, nil); err != nil || s.Next != 1 || len(r.corrupt) != 1 {
		t.Errorf("damaged on the way: %v, reported %q", err, r.corrupt)
	}
	if s, err := e.LoadState(t.Context(), p, nil); err != nil || s.Next != 2 {
		t.Errorf("read again: %v", err)
	}
}

// TestUnreadableStateIsNotPassedOver: a newest state that cannot be read this time is not corrupt, and no older one stands
// in for it.
func TestUnreadableStateIsNotPassedOver(t *testing.T) {
	_, b, _ := newEpoch(t)
	p := partition(0)
	faulty := buckettest.NewFaulty(b, nil)
	e := open(t, faulty, snapshot.Hooks{})
	for _, next := range []int64{10, 20} {
		must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, next)))
	}
	faulty.SetPlan(func(o buckettest.Operation) buckettest.Fault {
		if o.Kind == "get" && o.Name == stateName(p, 20) {
			return buckettest.Fail
		}
		return buckettest.None
	})
	if s, err := e.LoadState(t.Context(), p, testFold); err == nil || errors.Is(err, snapshot.ErrCorrupt) || errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("loaded %v, %v", s, err)
	}
	faulty.SetPlan(nil)
	if s, err := e.LoadState(t.Context(), p, testFold); err != nil || s.Next != 20 {
		t.Errorf("loaded %v, %v", s, err)
	}
}

func TestMisplacedStateIsCorrupt(t *testing.T) {
	e, b, r := newEpoch(t)
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), partition(0), 5)))
	must(t, b.Put(t.Context(), stateName(partition(0), 8), encode(t, stateAt(e.Map(), partition(0), 7))))
	must(t, b.Put(t.Context(), stateName(partition(0), 9), encode(t, stateAt(e.Map(), partition(1), 9))))
	if s, err := e.LoadState(t.Context(), partition(0), nil); err != nil || s.Next != 5 || len(r.corrupt) != 2 {
		t.Errorf("%v, reported %q", err, r.corrupt)
	}
}

func TestAllCorruptRefuses(t *testing.T) {
	e, b, _ := newEpoch(t)
	p := partition(0)
	for next := range int64(3) {
		must(t, b.Put(t.Context(), stateName(p, next), []byte{byte(next)}))
	}
	var lost *snapshot.AllCorruptError
	for range 2 { // Also the second time: nothing was moved out of sight.
		_, err := e.LoadState(t.Context(), p, testFold)
		if !errors.As(err, &lost) || errors.Is(err, snapshot.ErrNotExist) || len(lost.Names) != 3 {
			t.Fatalf("%v", err)
		}
		for next := range int64(3) {
			if !strings.Contains(err.Error(), stateName(p, next)) {
				t.Errorf("%q does not name %s", err, stateName(p, next))
			}
		}
	}
	if found := names(t, b, "line/0001/state/"); len(found) != 3 {
		t.Errorf("left %q", found)
	}
	if _, err := e.LoadStates(t.Context()); !errors.As(err, &lost) {
		t.Errorf("all partitions: %v", err)
	}
	if n, err := e.PruneStates(t.Context(), p, 1); !errors.As(err, &lost) || n != 0 {
		t.Errorf("pruned %d: %v", n, err)
	}
	// Set aside with none left is no empty start either.
	for next := range int64(3) {
		must(t, b.Delete(t.Context(), stateName(p, next)))
	}
	must(t, b.Put(t.Context(), strings.Replace(stateName(p, 2), "/state/", "/corrupt/state/", 1)+".01020304", []byte("x")))
	if _, err := e.LoadState(t.Context(), p, testFold); !errors.As(err, &lost) {
		t.Errorf("only what was set aside: %v", err)
	}
}

func TestLaterVersionIsNotCorrupt(t *testing.T) {
	e, b, r := newEpoch(t)
	p := partition(0)
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, 5)))
	later := reencode(t, encode(t, stateAt(e.Map(), p, 6)), func(f *safetensors.File) { f.Metadata["format"] = "phasor.state/2" })
	must(t, b.Put(t.Context(), stateName(p, 6), later))
	for name, load := range map[string]func() error{
		"owner":  func() error { _, err := e.LoadState(t.Context(), p, nil); return err },
		"reader": func() error { _, err := e.LoadStates(t.Context()); return err },
	} {
		if err := load(); !errors.Is(err, snapshot.ErrVersion) || errors.Is(err, snapshot.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.corrupt) != 0 || len(names(t, b, "line/0001/state/")) != 2 {
		t.Errorf("reported %q", r.corrupt)
	}
	if err := e.SaveState(t.Context(), stateAt(e.Map(), p, 6)); !errors.Is(err, snapshot.ErrConflict) {
		t.Errorf("saved over a later version: %v", err)
	}
}

func TestSaveReplacesACorruptState(t *testing.T) {
	e, b, r := newEpoch(t)
	p := partition(0)
	must(t, b.Put(t.Context(), stateName(p, 5), []byte("damaged")))
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, 5)))
	if s, err := e.LoadState(t.Context(), p, nil); err != nil || s.Next != 5 {
		t.Error(err)
	}
	if aside := names(t, b, "line/0001/corrupt/"); len(aside) != 1 || len(r.corrupt) != 1 {
		t.Errorf("set aside %q, reported %q", aside, r.corrupt)
	}
}

func TestLoadStates(t *testing.T) {
	e, b, r := newEpoch(t)
	var want []*snapshot.State
	for i := range 12 {
		for next := range int64(4) {
			must(t, e.SaveState(t.Context(), stateAt(e.Map(), partition(i), 10*next)))
		}
		want = append(want, stateAt(e.Map(), partition(i), 30))
	}
	must(t, b.Put(t.Context(), stateName(partition(2), 40), []byte("damaged")))
	slices.SortFunc(want, func(a, b *snapshot.State) int {
		return strings.Compare(stateName(a.PartitionID, 0), stateName(b.PartitionID, 0))
	})
	for range 2 {
		found, err := e.LoadStates(t.Context())
		must(t, err)
		if d := cmp.Diff(want, found, sameStates); d != "" {
			t.Fatal(d)
		}
	}
	// A reader reports once and changes nothing.
	if len(r.corrupt) != 1 || len(names(t, b, "line/0001/corrupt/")) != 0 {
		t.Errorf("reported %q", r.corrupt)
	}
	total, err := snapshot.MergeStates(want)
	must(t, err)
	var count int64
	sum := want[0].Total()
	for i, s := range want {
		count += s.Count()
		if i > 0 {
			must(t, sum.Merge(s.Total()))
		}
	}
	if total.Count() != count || !total.Equal(sum) {
		t.Errorf("merged %d records, wanted %d", total.Count(), count)
	}
	if none, err := snapshot.MergeStates(nil); none != nil || err != nil {
		t.Errorf("no states: %v, %v", none, err)
	}
}

// TestContinuedIncarnation: a state taken over by the next incarnation of its topic does not count twice.
func TestContinuedIncarnation(t *testing.T) {
	e, _, _ := newEpoch(t)
	save := func(id, follows string, next int64) {
		s := stateAt(e.Map(), snapshot.PartitionID{Topic: "t", TopicID: id, Partition: 0}, next)
		s.Follows = follows
		must(t, e.SaveState(t.Context(), s))
	}
	save("-", "", 100)
	save("first", "-", 120)
	save("second", "first", 7)
	save("itself", "itself", 5) // As states say that went on past a replaced record.
	save("unrelated", "", 3)
	states, err := e.LoadStates(t.Context())
	must(t, err)
	var ids []string
	for _, s := range states {
		ids = append(ids, s.TopicID)
	}
	if !slices.Equal(ids, []string{"itself", "second", "unrelated"}) {
		t.Errorf("counted %q", ids)
	}
}

// vanishing deletes what it lists, as retention would while a reader works.
type vanishing struct {
	bucket.Bucket
	replace func(name string)
	left    int
}

func (v *vanishing) Get(ctx context.Context, name string) ([]byte, error) {
	if v.left > 0 && strings.Contains(name, "/state/") {
		v.left--
		v.replace(name)
	}
	return v.Bucket.Get(ctx, name)
}

func TestStatesThatVanishWhileTheyAreRead(t *testing.T) {
	e, b, _ := newEpoch(t)
	p := partition(0)
	must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, 1)))
	next := int64(1)
	v := &vanishing{Bucket: b, replace: func(name string) {
		next++
		must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, next)))
		must(t, b.Delete(t.Context(), name))
	}}
	reader := open(t, v, snapshot.Hooks{})
	v.left = 3
	if s, err := reader.LoadState(t.Context(), p, nil); err != nil || s.Next != 4 {
		t.Errorf("owner: %v", err)
	}
	v.left = 3
	if s, err := reader.LoadStates(t.Context()); err != nil || len(s) != 1 || s[0].Next != 7 {
		t.Errorf("reader: %v", err)
	}
	v.left = 1000
	if _, err := reader.LoadState(t.Context(), p, nil); err == nil || errors.Is(err, snapshot.ErrNotExist) || errors.Is(err, snapshot.ErrAllCorrupt) {
		t.Errorf("a partition whose states all vanish: %v", err)
	}
}

func TestRewind(t *testing.T) {
	e, b, _ := newEpoch(t)
	p := partition(0)
	for next := range int64(6) {
		must(t, e.SaveState(t.Context(), stateAt(e.Map(), p, next)))
	}
	s := stateAt(e.Map(), p, 3)
	s.Gaps = append(s.Gaps, snapshot.Gap{From: 5, To: 3, Reason: "truncation"})
	must(t, e.Rewind(t.Context(), s))
	found, err := e.LoadState(t.Context(), p, nil)
	must(t, err)
	if d := cmp.Diff(s, found, sameStates); d != "" || !e.Unchanged(p, 3) {
		t.Error(d)
	}
	if left, kept := names(t, b, "line/0001/state/"), names(t, b, "line/0001/abandoned/state/"); len(left) != 4 || len(kept) != 3 {
		t.Errorf("left %q, kept aside %q", left, kept)
	}
	must(t, e.Rewind(t.Context(), s))
	if kept := names(t, b, "line/0001/abandoned/state/"); len(kept) != 3 {
		t.Errorf("a second time: kept aside %q", kept)
	}
}
