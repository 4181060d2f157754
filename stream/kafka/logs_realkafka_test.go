//go:build realkafka

package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream"
	"phasor/stream/kafka/kafkatest"
)

// Transactions of several producers overlap, and each commits or aborts: the committed records are read and no other.
func testTransactions(t *testing.T, c *kafkatest.Cluster) {
	const partitions, producers = 2, 3
	createTopic(t, c, "transactions", partitions, nil)
	rng := newRand(t)
	ctx := realContext(t)
	plain := franz(t, c)
	var clients []*kgo.Client
	for i := range producers {
		clients = append(clients, franz(t, c, kgo.TransactionalID(fmt.Sprint("transactions.", i))))
	}
	var all, committed [partitions][]stream.Record
	pending := make([][]*kgo.Record, producers) // The records of each producer's transaction.
	ended := map[kgo.TransactionEndTry]int{}
	keep := func(to *[partitions][]stream.Record, recs []*kgo.Record) {
		for _, r := range recs {
			to[r.Partition] = append(to[r.Partition], stream.Record{Offset: r.Offset, Time: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value})
		}
	}
	write := func(k *kgo.Client) []*kgo.Record {
		var recs []*kgo.Record
		for _, m := range randomMessages(rng, 1+rng.IntN(40), partitions) {
			recs = append(recs, &kgo.Record{Topic: "transactions", Partition: int32(m.Partition), Key: m.Key, Value: m.Value, Timestamp: time.UnixMilli(m.Time)})
		}
		if err := k.ProduceSync(ctx, recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		keep(&all, recs)
		return recs
	}
	end := func(i int) {
		try := kgo.TransactionEndTry(rng.IntN(2) == 0)
		if err := clients[i].EndTransaction(ctx, try); err != nil {
			t.Fatal(err)
		}
		if ended[try]++; try == kgo.TryCommit {
			keep(&committed, pending[i])
		}
		pending[i] = nil
	}
	for range 120 {
		switch i := rng.IntN(producers + 1); {
		case i == producers:
			keep(&committed, write(plain))
		case pending[i] == nil:
			if err := clients[i].BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			pending[i] = write(clients[i])
		case rng.IntN(2) == 0:
			pending[i] = append(pending[i], write(clients[i])...)
		default:
			end(i)
		}
	}
	for i := range producers {
		if pending[i] != nil {
			end(i)
		}
	}
	t.Logf("%d transactions committed, %d aborted", ended[kgo.TryCommit], ended[kgo.TryAbort])
	for p := range partitions {
		byOffset := func(a, b stream.Record) int { return int(a.Offset - b.Offset) }
		slices.SortFunc(all[p], byOffset)
		slices.SortFunc(committed[p], byOffset)
		if len(committed[p]) == len(all[p]) || len(committed[p]) == 0 {
			t.Fatalf("%d records, %d committed: the test shows nothing", len(all[p]), len(committed[p]))
		}
		for isolation, want := range map[string][]stream.Record{readCommitted: committed[p], readUncommitted: all[p]} {
			for _, bytes := range []int{1 << 10, 1 << 20} { // Many responses, one response.
				cl := realClient(t, c, func(cfg *Config) { cfg.Isolation, cfg.Fetch.MaxBytes = isolation, bytes })
				wantRecords(t, fmt.Sprintf("%s, partition %d, responses of %d bytes", isolation, p, bytes), readAll(t, open(t, cl, "transactions", p), 0), want)
			}
		}
	}
}

// A reader stands before a transaction that has not ended, and goes on when it has.
func testOpenTransaction(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "pending", 1, nil)
	k := franz(t, c, kgo.TransactionalID("pending"))
	ctx := realContext(t)
	if err := k.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	in := numbered(0, 10, 1)
	franzWrite(t, k, "pending", in...)
	franzWrite(t, franz(t, c), "pending", numbered(10, 20, 1)...)
	p := open(t, realClient(t, c, nil), "pending", 0)
	if _, end, err := p.Range(ctx); err != nil || end != 0 {
		t.Errorf("the log ends at %d (%v) for readers of committed records, want 0", end, err)
	}
	r := p.Read(0)
	defer r.Close()
	for range 3 {
		if b, err := r.Read(ctx); err != nil || len(b.Records) > 0 || b.Next != 0 {
			t.Fatalf("%d records, next %d, %v: of a transaction that has not ended", len(b.Records), b.Next, err)
		}
	}
	if err := k.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got, err := readTo(t, r, 0, 20); err != nil || len(got) != 20 {
		t.Errorf("read %v, %v after the end of the transaction, want offsets 0 to 19", got, err)
	}
}

// Compaction leaves holes in the offsets, within batches and as whole batches: what is left is read, and no more.
func testCompaction(t *testing.T, c *kafkatest.Cluster) {
	const keys = 40
	createTopic(t, c, "compacted", 1, map[string]string{"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001",
		"min.compaction.lag.ms": "0", "delete.retention.ms": "0", "max.compaction.lag.ms": "200"})
	rng := newRand(t)
	k := franz(t, c)
	n := 0
	round := func() {
		var m []Message
		for range 200 {
			v := fmt.Appendf(nil, "v%d", n)
			if rng.IntN(8) == 0 {
				v = nil
			}
			key := fmt.Append(nil, "k", rng.IntN(keys))
			if rng.IntN(10) == 0 { // Stays, in the middle of a batch.
				key, v = fmt.Append(nil, "once", n), []byte("once")
			}
			m = append(m, Message{Key: key, Value: v, Time: time.Now().UnixMilli()})
			n++
		}
		franzWrite(t, k, "compacted", m...)
		time.Sleep(150 * time.Millisecond) // The next record opens a new segment.
	}
	for range 6 {
		round()
	}
	var got, theirs []stream.Record
	cl := realClient(t, c, nil)
	eventually(t, "the log is compacted", func() bool {
		round()
		theirs, _ = franzRead(t, c, "compacted", 0, int64(n))
		return len(theirs) < n/2
	})
	// The broker compacts when it likes: a reading counts if the log was the same before and after it.
	atRest := func(from int64) {
		eventually(t, "a reading of a log at rest", func() bool {
			before, _ := franzRead(t, c, "compacted", 0, int64(n))
			got = readAll(t, open(t, cl, "compacted", 0), from)
			theirs, _ = franzRead(t, c, "compacted", 0, int64(n))
			return len(before) == len(theirs)
		})
	}
	atRest(0)
	removed := int64(0)
	for i := 0; i < len(got) && got[i].Offset == removed; i++ {
		removed++
	}
	wantRecords(t, "compacted", got, theirs)
	t.Logf("%d records of %d are left", len(got), n)
	// From any offset, in a hole or not, reading goes on with the first record that is left.
	for range 10 {
		from := int64(rng.IntN(n))
		atRest(from)
		i, _ := slices.BinarySearchFunc(theirs, from, func(r stream.Record, o int64) int { return int(r.Offset - o) })
		wantRecords(t, fmt.Sprint("compacted from ", from), got, theirs[i:])
	}
	if rec, ok, err := open(t, cl, "compacted", 0).At(realContext(t), removed); ok || err != nil {
		t.Errorf("offset %d was removed, but there is %v, %v", removed, rec, err)
	}
}

// A topic of the same name with another id is not continued, neither by a reader at work nor by one that begins.
func testRecreated(t *testing.T, c *kafkatest.Cluster) {
	before := createTopic(t, c, "again", 1, nil)
	k := franz(t, c)
	franzWrite(t, k, "again", numbered(0, 20, 1)...)
	cl := realClient(t, c, nil)
	p := open(t, cl, "again", 0)
	pos := position(t, p, 20)
	r := p.Read(0)
	defer r.Close()
	if _, err := readTo(t, r, 0, 20); err != nil {
		t.Fatal(err)
	}
	if err := stream.Check(realContext(t), p, pos); err != nil {
		t.Fatalf("before: %v", err)
	}
	adm := realAdmin(t, c)
	if _, err := adm.DeleteTopics(realContext(t), "again"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic can be created again", func() bool {
		_, err := adm.CreateTopic(realContext(t), 1, 1, nil, "again")
		return err == nil
	})
	var after Topic
	eventually(t, "the broker knows the new topic", func() bool {
		after = createTopic(t, c, "again", 1, nil)
		return after.ID != before.ID
	})
	if before.ID == stream.NoTopicID || after.ID == stream.NoTopicID {
		t.Fatalf("topic ids %s and %s", before.ID, after.ID)
	}
	franzWrite(t, franz(t, c), "again", numbered(100, 140, 1)...) // Position 20 is within this log too.
	err := readUntilError(t, r)
	if !errors.Is(err, stream.ErrRecreated) {
		t.Errorf("the reader at work got %v, want %v", err, stream.ErrRecreated)
	}
	if _, _, err := p.Range(realContext(t)); !errors.Is(err, stream.ErrRecreated) {
		t.Errorf("the owner at work asked for the range and got %v, want %v", err, stream.ErrRecreated)
	}
	if err := stream.Check(realContext(t), open(t, cl, "again", 0), pos); !errors.Is(err, stream.ErrRecreated) {
		t.Errorf("the next owner got %v, want %v", err, stream.ErrRecreated)
	}
	// Where ids are not known, the last record tells.
	pos.TopicID = stream.NoTopicID
	if err := stream.Check(realContext(t), open(t, cl, "again", 0), pos); !errors.Is(err, stream.ErrReplaced) {
		t.Errorf("without ids the next owner got %v, want %v", err, stream.ErrReplaced)
	}
}

// position is what an owner remembers that has read everything below next.
func position(t *testing.T, p *partition, next int64) stream.Position {
	t.Helper()
	rec, ok, err := p.At(realContext(t), next-1)
	if err != nil || !ok {
		t.Fatalf("record %d: %v, %v", next-1, ok, err)
	}
	return stream.Position{TopicID: p.id.TopicID, Next: next, Last: next - 1, LastSum: rec.Sum()}
}

func readUntilError(t *testing.T, r stream.Reader) error {
	t.Helper()
	ctx := realContext(t)
	for {
		b, err := r.Read(ctx)
		if err != nil {
			return err
		}
		if len(b.Records) > 0 {
			t.Fatalf("record %d %q was read", b.Records[0].Offset, b.Records[0].Value)
		}
	}
}

// Records that were deleted before they were read are told of, with their offsets.
func testRetention(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "deleted", 1, nil)
	franzWrite(t, franz(t, c), "deleted", numbered(0, 100, 1)...)
	cl := realClient(t, c, nil)
	p := open(t, cl, "deleted", 0)
	pos, behind := position(t, p, 60), position(t, p, 30)
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: "deleted", Partition: 0, At: 50, LeaderEpoch: -1})
	if _, err := realAdmin(t, c).DeleteRecords(realContext(t), to); err != nil {
		t.Fatal(err)
	}
	if start, end, err := p.Range(realContext(t)); start != 50 || end != 100 || err != nil {
		t.Fatalf("the log has [%d, %d), %v, want [50, 100)", start, end, err)
	}
	if err := stream.Check(realContext(t), p, pos); err != nil {
		t.Errorf("a position within the log: %v", err)
	}
	want := func(what string, err error) {
		t.Helper()
		var pe *stream.PositionError
		if !errors.Is(err, stream.ErrRetention) || !errors.As(err, &pe) || pe.Offset != 30 || pe.Start != 50 {
			t.Errorf("%s got %v, want %v from 30 to 50", what, err, stream.ErrRetention)
		}
	}
	want("the check", stream.Check(realContext(t), p, behind))
	r := p.Read(30)
	defer r.Close()
	want("the reader", readUntilError(t, r))
	if got := readAll(t, p, 50); len(got) != 50 || got[0].Offset != 50 {
		t.Errorf("%d records from the new start of the log, want 50", len(got))
	}
}

// A position beyond the end of the log is told of, with what is missing.
func testTruncation(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "short", 1, nil)
	franzWrite(t, franz(t, c), "short", numbered(0, 10, 1)...)
	p := open(t, realClient(t, c, nil), "short", 0)
	r := p.Read(15)
	defer r.Close()
	for what, err := range map[string]error{"the reader": readUntilError(t, r),
		"the check": stream.Check(realContext(t), p, stream.Position{TopicID: p.id.TopicID, Next: 15, Last: -1})} {
		var pe *stream.PositionError
		if !errors.Is(err, stream.ErrTruncated) || !errors.As(err, &pe) || pe.Offset != 15 || pe.End != 10 {
			t.Errorf("%s got %v, want %v from 15 to 10", what, err, stream.ErrTruncated)
		}
	}
}

// A broker that crashes and comes back costs time and nothing else.
func testRestart(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "restarted", 1, nil)
	ctx, cancel := context.WithCancel(realContext(t))
	defer cancel()
	const n = 3000
	done := make(chan error, 1)
	k := franz(t, c)
	go func() {
		for i := range n {
			r := &kgo.Record{Topic: "restarted", Key: []byte("k"), Value: fmt.Appendf(nil, "v%d", i)}
			if err := k.ProduceSync(ctx, r).FirstErr(); err != nil {
				done <- fmt.Errorf("record %d: %w", i, err)
				return
			}
		}
		done <- nil
	}()
	r := open(t, realClient(t, c, nil), "restarted", 0).Read(0)
	defer r.Close()
	first, err := readTo(t, r, 0, n/10)
	if err != nil {
		t.Fatal(err)
	}
	c.Kill(1)
	c.StartNode(1)
	got := first
	for next := first[len(first)-1] + 1; next < n; {
		b, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got, next = append(got, offsetsOf(b.Records)...), b.Next
	}
	wantAll(t, got, n)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func offsetsOf(records []stream.Record) (offsets []int64) {
	for _, r := range records {
		offsets = append(offsets, r.Offset)
	}
	return offsets
}
