//go:build unix

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream/embedded"
)

// Each rejected record is in the dead-letter topic, whole, with its place and the reason, although the sketcher crashes.
func TestDeadLettersOutliveCrashes(t *testing.T) {
	const letters = "press.dead"
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{promiseTopic: promisePartitions, letters: 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	p := newPromise(t, b.Addrs(), false)
	p.edit("    panes:", "    dead_letters: "+letters+"\n    panes:")
	for range 3 {
		p.crash(p.start())
	}
	last := p.start()
	p.wait("a letter is counted", func() bool {
		_, metrics := last.get("/metrics")
		return strings.Contains(metrics, `phasor_sketcher_dead_letters_total{result="ok",topic="press"}`) &&
			!strings.Contains(metrics, `phasor_sketcher_dead_letters_total{result="ok",topic="press"} 0`+"\n")
	}, last)
	p.wait("enough records", func() bool { return p.feed.total() > 2500 }, last)
	p.finish(last)
	p.verify()

	type place struct{ partition, offset string }
	want := map[place]*kgo.Record{}
	for r := range p.all(promiseTopic) {
		if _, reason := promiseVector(r.Value); reason != "" {
			want[place{fmt.Sprint(r.Partition), fmt.Sprint(r.Offset)}] = r
		}
	}
	have, twice := map[place]bool{}, 0
	for r := range p.all(letters) {
		h := map[string]string{}
		for _, x := range r.Headers {
			h[x.Key] = string(x.Value)
		}
		at := place{h["phasor.partition"], h["phasor.offset"]}
		w := want[at]
		if w == nil {
			t.Fatalf("a letter of %v, which was not rejected", at)
		}
		_, reason := promiseVector(w.Value)
		if h["phasor.reason"] != reason || h["phasor.topic"] != promiseTopic || h["phasor.sketch"] != promiseTopic {
			t.Fatalf("the letter of %v has the headers %v; it was rejected for %s", at, h, reason)
		}
		if !bytes.Equal(r.Value, w.Value) || (r.Value == nil) != (w.Value == nil) || !bytes.Equal(r.Key, w.Key) || !r.Timestamp.Equal(w.Timestamp) {
			t.Fatalf("the letter of %v is %q at %v; the record is %q at %v", at, r.Value, r.Timestamp, w.Value, w.Timestamp)
		}
		if have[at] {
			twice++
		}
		have[at] = true
	}
	if len(have) != len(want) || len(want) == 0 {
		t.Errorf("%d letters of %d rejected records", len(have), len(want))
	}
	t.Logf("%d rejected records, %d letters twice", len(want), twice)
}

// all yields the records of a topic.
func (p *promise) all(topic string) func(yield func(*kgo.Record) bool) {
	t := p.t
	t.Helper()
	ends, err := kadm.NewClient(p.kafka).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	left, starts := int64(0), map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		left += o.Offset
		starts[o.Partition] = kgo.NewOffset().AtStart()
	})
	k, err := kgo.NewClient(kgo.SeedBrokers(p.kafka.OptValue(kgo.SeedBrokers).([]string)...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*kgo.Record) bool) {
		defer k.Close()
		for left > 0 {
			f := k.PollFetches(t.Context())
			if err := f.Err(); err != nil {
				t.Fatal(err)
			}
			for _, r := range f.Records() {
				left--
				if !yield(r) {
					return
				}
			}
		}
	}
}
