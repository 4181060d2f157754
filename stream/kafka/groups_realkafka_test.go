//go:build realkafka

package kafka

import (
	"fmt"
	"testing"

	"phasor/stream/kafka/kafkatest"
)

// numbered are n messages v<from> … for each partition.
func numbered(from, to, partitions int) (m []Message) {
	for p := range partitions {
		for i := from; i < to; i++ {
			m = append(m, Message{Key: []byte("k"), Value: fmt.Appendf(nil, "v%d", i), Time: testTime, Partition: p})
		}
	}
	return m
}

// Members come and go while records come in: each record is counted once, and the group knows how far they were read.
func testGroup(t *testing.T, c *kafkatest.Cluster) {
	const partitions = 4
	createTopic(t, c, "group", partitions, nil)
	k := franz(t, c)
	l := newLedger()
	written := 0
	more := func() {
		franzWrite(t, k, "group", numbered(written, written+100, partitions)...)
		written += 100
	}
	member := func(name string) func() {
		return run(t, realClient(t, c, realMember).Group([]string{"group"}, "readers"), l.own(name, 0))
	}
	shares := func(want map[string]int) func() bool {
		return func() bool {
			n, by := l.owners()
			ok := n == partitions && len(by) == len(want)
			for name, n := range want {
				ok = ok && by[name] == n
			}
			return ok
		}
	}
	more()
	stopA := member("a")
	eventually(t, "a has all", shares(map[string]int{"a": 4}))
	more()
	stopB := member("b")
	eventually(t, "a and b have two each", shares(map[string]int{"a": 2, "b": 2}))
	more()
	stopA()
	eventually(t, "b has all", shares(map[string]int{"b": 4}))
	more()
	cl := realClient(t, c, nil)
	eventually(t, "everything is read", func() bool {
		stopB()
		stopB = member("b")
		eventually(t, "b has all again", shares(map[string]int{"b": 4}))
		l.mu.Lock()
		defer l.mu.Unlock()
		for p := range partitions {
			if l.next[fmt.Sprint("group/", p)] < int64(written) {
				return false
			}
		}
		return true
	})
	stopB()
	offsets, err := realAdmin(t, c).FetchOffsets(realContext(t), "readers")
	if err != nil {
		t.Fatal(err)
	}
	for p := range partitions {
		if o, ok := offsets.Lookup("group", int32(p)); !ok || o.At != int64(written) {
			t.Errorf("group/%d: committed %d, want %d", p, o.At, written)
		}
		for i := range written {
			if n := l.values[fmt.Sprintf("group/%d=v%d", p, i)]; n != 1 {
				t.Fatalf("record %d of group/%d was counted %d times", i, p, n)
			}
		}
		records := readAll(t, open(t, cl, "group", p), 0)
		if len(records) != written {
			t.Errorf("group/%d has %d records, %d were written", p, len(records), written)
		}
	}
	for _, e := range l.errs {
		t.Error(e)
	}
}

// A topic that grows is noticed by the group and by a source of all partitions.
func testExpansion(t *testing.T, c *kafkatest.Cluster) {
	createTopic(t, c, "growing", 2, nil)
	member, static := newLedger(), newLedger()
	run(t, realClient(t, c, realMember).Group([]string{"growing"}, "growing"), member.own("member", 0))
	run(t, realClient(t, c, realMember).Static(map[string][]int{"growing": nil}), static.own("static", 0))
	owned := func(want int) func() bool {
		return func() bool {
			m, _ := member.owners()
			s, _ := static.owners()
			return m == want && s == want
		}
	}
	eventually(t, "two partitions", owned(2))
	if _, err := realAdmin(t, c).CreatePartitions(realContext(t), 3, "growing"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the three new partitions", owned(5))
}
