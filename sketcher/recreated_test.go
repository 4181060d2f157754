package sketcher

import (
	"context"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket/mem"
	"phasor/stream"
	"phasor/stream/kafka"
)

// A topic that is deleted and created anew under a sketcher that may continue is gone on with, by the same process, from
// what it has: its owners see the change before the source does.
func TestTopicCreatedAnewUnderItsOwners(t *testing.T) {
	for name, source := range map[string]func(*kafka.Client) stream.Source{
		"group":  func(c *kafka.Client) stream.Source { return c.Group([]string{"t"}, "") },
		"static": func(c *kafka.Client) stream.Source { return c.Static(map[string][]int{"t": nil}) },
	} {
		t.Run(name, func(t *testing.T) {
			site := newEmbeddedSite(t, 0)
			site.create("t", 1)
			cl, err := kafka.New(kafka.Config{Brokers: site.addrs(), Watch: time.Second, Fetch: kafka.Fetch{MaxWait: 20 * time.Millisecond}})
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			produce := func(n int) {
				t.Helper()
				var messages []kafka.Message
				for i := range n {
					messages = append(messages, kafka.Message{Time: 1_000_000 + int64(i), Value: floats(float64(i%9), 1)})
				}
				if err := cl.Produce(t.Context(), "t", messages...); err != nil {
					t.Fatal(err)
				}
			}
			store := snapshot.Open(mem.New(), "s")
			e, err := store.CreateSpec(t.Context(), testMap().Spec())
			if err != nil {
				t.Fatal(err)
			}
			fold := testConfig()
			fold.Map = nil
			svc, err := New(Config{Store: store, Fold: fold, Interval: 20 * time.Millisecond, Recreated: Continue})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- svc.Run(ctx, source(cl)) }()
			defer func() { // Also before a t.Fatal closes the client.
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}()
			saved := func(what string, records, next int64) *snapshot.State {
				t.Helper()
				var newest *snapshot.State
				waitUntil(t, what, func() bool {
					states, err := e.LoadStates(t.Context())
					if err != nil || len(states) != 1 {
						return false
					}
					newest = states[0]
					return newest.Side.Count == records && newest.Next == next
				})
				return newest
			}
			produce(300)
			first := saved("the first topic to be saved", 300, 300)
			if err := site.broker.DeleteTopic("t"); err != nil {
				t.Fatal(err)
			}
			site.create("t", 1)
			produce(200)
			second := saved("the second topic to be saved", 500, 200)
			if second.Follows != first.TopicID || len(second.Gaps) != 1 || second.Gaps[0].Reason != "recreated" {
				t.Errorf("topic id %s follows %q, gaps %v; want to follow %s", second.TopicID, second.Follows, second.Gaps, first.TopicID)
			}
		})
	}
}
