package stream_test

import (
	"errors"
	"testing"

	"phasor/stream"
	"phasor/stream/streamtest"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(c *streamtest.Cluster)
		pos  func(p *stream.Position)
		want error
	}{
		{name: "unchanged"},
		{name: "grown", do: func(c *streamtest.Cluster) { c.Append("t", 0, streamtest.Values("d")...) }},
		{name: "truncated", do: func(c *streamtest.Cluster) { c.Truncate("t", 0, 2) }, want: stream.ErrTruncated},
		{name: "retention", do: func(c *streamtest.Cluster) {
			c.Append("t", 0, streamtest.Values("d", "e")...)
			c.Retain("t", 0, 4)
		}, want: stream.ErrRetention},
		{name: "retention up to the position", do: func(c *streamtest.Cluster) { c.Retain("t", 0, 3) }},
		{name: "recreated", do: func(c *streamtest.Cluster) {
			c.Recreate("t", 1)
			c.Append("t", 0, streamtest.Values("a", "b", "c")...)
		}, want: stream.ErrRecreated},
		{name: "recreated with unknown id and the same records", do: func(c *streamtest.Cluster) {
			c.Recreate("t", 1)
			c.Append("t", 0, streamtest.Values("a", "b", "c")...)
		}, pos: func(p *stream.Position) { p.TopicID = stream.NoTopicID }},
		{name: "replaced", do: func(c *streamtest.Cluster) { c.Replace("t", 0, 2, streamtest.Values("x")[0]) }, want: stream.ErrReplaced},
		{name: "compacted away", do: func(c *streamtest.Cluster) { c.Remove("t", 0, 2) }},
		{name: "nothing read yet", pos: func(p *stream.Position) { p.Next, p.Last = 0, -1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := streamtest.New(map[string]int{"t": 1})
			c.Append("t", 0, streamtest.Values("a", "b", "c")...)
			p := c.Partition("t", 0)
			last, ok, err := p.At(t.Context(), 2)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			pos := stream.Position{TopicID: p.ID().TopicID, Next: 3, Last: 2, LastSum: last.Sum()}
			if tc.pos != nil {
				tc.pos(&pos)
			}
			if tc.do != nil {
				tc.do(c)
			}
			err = stream.Check(t.Context(), c.Partition("t", 0), pos)
			if !errors.Is(err, tc.want) || (tc.want == nil) != (err == nil) {
				t.Fatalf("Check: %v, want %v", err, tc.want)
			}
		})
	}
}

func TestSumTellsRecordsApart(t *testing.T) {
	base := stream.Record{Offset: 1, Time: 2, Key: []byte("ab"), Value: []byte("c")}
	if c := base.Clone(); c.Sum() != base.Sum() {
		t.Fatal("a clone has another sum")
	}
	seen := map[[32]byte]string{base.Sum(): "base"}
	for name, change := range map[string]func(r *stream.Record){
		"offset":       func(r *stream.Record) { r.Offset++ },
		"time":         func(r *stream.Record) { r.Time++ },
		"border moved": func(r *stream.Record) { r.Key, r.Value = []byte("a"), []byte("bc") },
		"nil key":      func(r *stream.Record) { r.Key = nil },
		"empty key":    func(r *stream.Record) { r.Key = []byte{} },
		"tombstone":    func(r *stream.Record) { r.Value = nil },
	} {
		r := base.Clone()
		change(&r)
		if other, ok := seen[r.Sum()]; ok {
			t.Errorf("%s has the sum of %s", name, other)
		}
		seen[r.Sum()] = name
	}
}
