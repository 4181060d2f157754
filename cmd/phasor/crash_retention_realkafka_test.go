//go:build realkafka && unix

package main

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/stream/kafka/kafkatest"
)

// Retention that overtakes a reader in the middle of its work stops the sketcher with the policy named, or leaves a gap
// that is counted and on record; it never stands still.
func TestRealKafkaRetentionOvertakes(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Settings: map[string]string{"log.retention.check.interval.ms": "200", "log.initial.task.delay.ms": "100"}})
	k, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	adm := kadm.NewClient(k)
	createTopic(t, adm, 1)
	p := newPromise(t, c.Addrs(), false)
	s := p.start()
	p.progress(true, s)
	p.overtake(adm, false, s)
	said := s.ends()
	for _, want := range []string{"offsets were deleted unread", "on_retention"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	p.edit("    topics:", "    on_retention: continue\n    topics:")
	s = p.start()
	p.progress(true, s)
	for _, all := range []bool{false, true} {
		// A save of what was folded before is progress, too: the next time must not come before the gap.
		begin := p.overtake(adm, all, s)
		p.wait(fmt.Sprintf("the beginnings of the logs, %v", begin), func() bool { return p.reached(begin) }, s)
	}
	if code, body := s.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d %s", code, body)
	}
	_, metrics := s.get("/metrics")
	p.finish(s)
	n := p.verifyGaps()
	if counted := fmt.Sprintf("phasor_sketcher_offset_gaps_total{reason=\"retention\",topic=%q} %d\n", promiseTopic, n); !strings.Contains(metrics, counted) {
		t.Errorf("the metrics do not hold %s", counted)
	}
}

// verifyGaps compares each state with the ends of the logs and the gaps that it lists, one of its start and two or more of
// later. It returns their number.
func (p *promise) verifyGaps() (gaps int) {
	t := p.t
	t.Helper()
	e, err := p.store.LatestSpec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states, err := e.LoadStates(t.Context())
	if err != nil || len(states) != promisePartitions {
		t.Fatalf("%d states, %v", len(states), err)
	}
	ends := p.ends()
	for _, st := range states {
		lost := int64(0)
		gaps += len(st.Gaps)
		for _, g := range st.Gaps {
			lost += g.To - g.From
			if g.Reason != "retention" || g.To <= g.From {
				t.Errorf("%s: gap %+v", st, g)
			}
		}
		if len(st.Gaps) < 3 || st.Start != 0 || st.Next != ends[st.Partition] || st.Side.Count != st.Next-lost {
			t.Errorf("%s: [%d, %d) of %d, %d records, gaps %v", st, st.Start, st.Next, ends[st.Partition], st.Side.Count, st.Gaps)
		}
	}
	return gaps
}

// overtake stops a process until retention has deleted, in each partition, what it was about to read, or all there is. It
// returns where the logs begin then.
func (p *promise) overtake(adm *kadm.Client, all bool, s *sketcherProcess) (begin map[int]int64) {
	t := p.t
	t.Helper()
	s.signal(syscall.SIGSTOP)
	at := p.ends() // Beyond all that the process can have in hand.
	p.wait("more records", func() bool {
		for part, end := range p.ends() {
			if end < at[part]+500 {
				return false
			}
		}
		return true
	}, s)
	rate := p.feed.perTick.Load()
	if all {
		p.feed.perTick.Store(0)
	}
	p.retain(adm, "500")
	p.wait("the logs to begin later", func() bool {
		starts, err := adm.ListStartOffsets(t.Context(), promiseTopic)
		if err != nil {
			t.Fatal(err)
		}
		ends, deleted := p.ends(), 0
		begin = map[int]int64{}
		starts.Each(func(o kadm.ListedOffset) {
			begin[int(o.Partition)] = o.Offset
			if part := int(o.Partition); o.Offset > at[part] && (!all || o.Offset == ends[part]) {
				deleted++
			}
		})
		return deleted == promisePartitions
	}, s)
	p.retain(adm, "-1")
	s.signal(syscall.SIGCONT)
	p.feed.perTick.Store(rate)
	return begin
}

// retain lets a topic's records be deleted after so many milliseconds, -1 for never.
func (p *promise) retain(adm *kadm.Client, ms string) {
	p.t.Helper()
	segment := "200" // Only what is rolled can be deleted.
	configs := []kadm.AlterConfig{{Name: "retention.ms", Value: &ms}, {Name: "segment.ms", Value: &segment}}
	r, err := adm.AlterTopicConfigs(p.t.Context(), configs, promiseTopic)
	if err == nil {
		_, err = r.On(promiseTopic, func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
