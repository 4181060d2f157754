//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"os"
	"os/exec"

	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/sketcher"
	"phasor/sketcher/feature"
	"phasor/sketcher/sketch"
	"phasor/snapshot"
	"phasor/stream"
)

// account is what a partition of the log amounts to, worked out without the sketcher.
type account struct {
	records int64
	offsets *big.Int
	hashes  uint64
	rejects map[string]int64
	panes   map[int64]*sketch.Accumulator // By start, Unix milliseconds.
}

// verify compares the store with the log.
func (p *promise) verify() {
	t := p.t
	t.Helper()
	ctx := t.Context()
	e, err := p.store.LatestSpec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	accounts, lines := p.readLog(e.Map())
	states, err := e.LoadStates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(states) != promisePartitions {
		t.Fatalf("%d states, want one of each of the %d partitions", len(states), promisePartitions)
	}
	for _, s := range states {
		p.verifyState(e, s, accounts[s.Partition])
	}
	total, err := snapshot.MergeStates(states)
	if err != nil {
		t.Fatal(err)
	}
	p.verifySketch(e, total, lines, accounts)
}

// readLog reads the whole log with a client that shares no code with the program, and checks that it is what was written.
func (p *promise) readLog(m *feature.Map) (map[int]*account, []byte) {
	t := p.t
	t.Helper()
	accounts, starts := map[int]*account{}, map[int32]kgo.Offset{}
	for part := range promisePartitions {
		starts[int32(part)] = kgo.NewOffset().AtStart()
		accounts[part] = &account{offsets: new(big.Int), rejects: map[string]int64{}, panes: map[int64]*sketch.Accumulator{}}
	}
	k, err := kgo.NewClient(kgo.SeedBrokers(p.kafka.OptValue(kgo.SeedBrokers).([]string)...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{promiseTopic: starts}))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), p.patient)
	defer cancel()
	want := 0
	for _, n := range p.feed.written {
		want += n
	}
	var lines bytes.Buffer
	read := map[string]int{}
	q := make([]int32, m.Dim())
	for n := 0; n < want; {
		f := k.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("reading the log after %d of %d records: %v", n, want, err)
		}
		f.EachRecord(func(r *kgo.Record) {
			n++
			read[string(r.Value)]++
			accounts[int(r.Partition)].add(m, q, r)
			if r.Value != nil {
				lines.Write(r.Value)
				lines.WriteByte('\n')
			}
		})
	}
	if !maps.Equal(read, p.feed.written) {
		t.Fatalf("the log does not hold what was written: %d different values, want %d: the test is wrong, not the sketcher", len(read), len(p.feed.written))
	}
	return accounts, lines.Bytes()
}

const paneLength = 200 // As configured, in milliseconds.

func (a *account) add(m *feature.Map, q []int32, r *kgo.Record) {
	a.records++
	a.offsets.Add(a.offsets, big.NewInt(r.Offset))
	a.hashes ^= sketcher.RecordHash(&stream.Record{Offset: r.Offset, Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
	x, reason := promiseVector(r.Value)
	if reason != "" {
		a.rejects[reason]++
		return
	}
	start := r.Timestamp.UnixMilli() / paneLength * paneLength
	if a.panes[start] == nil {
		a.panes[start] = sketch.New(m)
	}
	m.Quantise(q, x)
	a.panes[start].Fold(q)
}

// verifyState compares the account of one partition with its state and its panes.
func (p *promise) verifyState(e *snapshot.Epoch, s *snapshot.State, want *account) {
	t := p.t
	t.Helper()
	sum := new(big.Int).Lsh(big.NewInt(s.Side.OffsetSum.Hi), 64)
	sum.Add(sum, new(big.Int).SetUint64(s.Side.OffsetSum.Lo))
	if s.Side.Count != want.records || sum.Cmp(want.offsets) != 0 || s.Side.HashXor != want.hashes {
		t.Errorf("%s: %d records, offsets %v, hashes %x; the log has %d, %v, %x", s, s.Side.Count, sum, s.Side.HashXor, want.records, want.offsets, want.hashes)
	}
	if !maps.Equal(s.Rejects, want.rejects) {
		t.Errorf("%s: rejects %v, want %v", s, s.Rejects, want.rejects)
	}
	if s.Start != 0 || len(s.Gaps) > 0 || s.Late != 0 || s.Early != 0 || s.Missing != 0 {
		t.Errorf("%s: start %d, gaps %v, late %d, early %d, missing %d: want none of it", s, s.Start, s.Gaps, s.Late, s.Early, s.Missing)
	}
	panes := maps.Clone(s.Open)
	stored, err := e.ListPanesOf(t.Context(), s.PartitionID, paneLength, 0, math.MaxInt64/2)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range stored {
		pane, err := e.LoadPane(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if panes[r.Start] != nil {
			t.Errorf("%s: the pane at %d is open and in the store", s, r.Start)
		}
		panes[r.Start] = pane.Accumulator
	}
	if len(panes) != len(want.panes) {
		t.Errorf("%s: %d panes, want %d", s, len(panes), len(want.panes))
	}
	for start, a := range want.panes {
		if panes[start] == nil || !panes[start].Equal(a) {
			t.Errorf("%s: the pane at %d is not the sketch of its %d records", s, start, a.Count())
		}
	}
}

// verifySketch compares the total with what "phasor sketch" makes of the records in a file.
func (p *promise) verifySketch(e *snapshot.Epoch, total *sketch.Accumulator, lines []byte, accounts map[int]*account) {
	t := p.t
	t.Helper()
	spec, err := e.Spec().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"spec": spec, "log.ndjson": lines} {
		if err := os.WriteFile(p.path(name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(p.binary, "sketch", "--spec", p.path("spec"), "--input", p.path("log.ndjson"), "--out", p.path("sketch"), "--json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("phasor sketch: %v", err)
	}
	var said struct{ Records, Rejected int64 }
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(p.path("sketch"))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := sketch.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !total.Equal(batch) {
		t.Errorf("the stream's sketch of %d records is not the file's of %d", total.Count(), batch.Count())
	}
	if encoded, err := total.Encode(); err != nil || !bytes.Equal(encoded, b) {
		t.Errorf("the sketches differ as bytes: %d and %d, %v", len(encoded), len(b), err)
	}
	rejects := map[string]int64{}
	for _, a := range accounts {
		for reason, n := range a.rejects {
			rejects[reason] += n
		}
	}
	var rejected int64
	for reason, n := range rejects {
		if reason != "tombstone" { // A file has none.
			rejected += n
		}
	}
	if said.Rejected != rejected || said.Records != total.Count() {
		t.Errorf("phasor sketch: %d records, %d rejected; want %d, %d", said.Records, said.Rejected, total.Count(), rejected)
	}
	t.Logf("%d records, rejects %v, equal in every integer", total.Count(), rejects)
}
