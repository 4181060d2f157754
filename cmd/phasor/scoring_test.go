package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Folded records are scored by the newest model while they are folded: of the records that the model was made for few are
// odd, each that is of another kind is, and it is written to a topic with its place and its score.
func TestOddRecordsAreFoundWhileFolding(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	port := freePort(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "phasor.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
store: %s
listen: 127.0.0.1:0
embedded: {port: %d, partitions: 1}
snapshot: {interval: 100ms}
serve: {poll: 50ms}
sketches:
  - topics: [t]
    channels: [{name: a}, {name: b}]
    calibrate: {features: 64, pilot: 1000, timeout: 1s}
    fit: {every: 500ms, budget: 500ms}
    score: {quantile: 0.999, topic: odd}
`, filepath.Join(dir, "store"), port), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var log lockedBuffer
	go func() {
		done <- run(ctx, []string{"run", "--config", config}, strings.NewReader(""), &bytes.Buffer{}, &log)
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v\n%s", err, log.String())
		}
	}()
	within(t, "the page", func() bool { return pageOf(log.String()) != "" })
	page := pageOf(log.String())
	k, err := kgo.NewClient(kgo.SeedBrokers(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))), kgo.ConsumeTopics("odd"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	usual := func(n int) {
		var records []*kgo.Record
		for range n {
			a := rng.NormFloat64()
			records = append(records, &kgo.Record{Topic: "t", Value: fmt.Appendf(nil, `{"a": %v, "b": %v}`, a, a+0.5*rng.NormFloat64())})
		}
		if err := k.ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	usual(5000)
	// The model comes, and scoring takes it up: then records that follow are scored.
	within(t, "records to be scored", func() bool {
		usual(50)
		return counter(t, page, `phasor_sketcher_records_scored_total{result="scored",topic="t"}`) > 500
	})
	scored := counter(t, page, `phasor_sketcher_records_scored_total{result="scored",topic="t"}`)
	if odd := counter(t, page, `phasor_sketcher_records_odd_total{topic="t"}`); odd > scored/10 {
		t.Errorf("%v of %v usual records are odd", odd, scored)
	}
	const others = 10
	for i := range others { // Not rare in each channel, and never seen together.
		if err := k.ProduceSync(ctx, &kgo.Record{Topic: "t", Key: fmt.Append(nil, "other", i), Value: []byte(`{"a": 3, "b": -3}`)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]bool{}
	for len(found) < others {
		wait, cancel := context.WithTimeout(ctx, time.Minute)
		f := k.PollFetches(wait)
		cancel()
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d odd records: %v", len(found), others, err)
		}
		f.EachRecord(func(r *kgo.Record) {
			if !strings.HasPrefix(string(r.Key), "other") {
				return
			}
			found[string(r.Key)] = true
			var x map[string]float64
			if err := json.Unmarshal(r.Value, &x); err != nil || x["a"] != 3 || x["b"] != -3 {
				t.Errorf("odd record %q: %v", r.Value, err)
			}
			h := map[string]string{}
			for _, x := range r.Headers {
				h[x.Key] = string(x.Value)
			}
			if v, err := strconv.ParseFloat(h["phasor.odd"], 64); err != nil || v < 3 {
				t.Errorf("odd by %q, want 3 or more", h["phasor.odd"])
			}
			if n, err := strconv.Atoi(h["phasor.offset"]); err != nil || n < 5000 || h["phasor.topic"] != "t" || h["phasor.partition"] != "0" {
				t.Errorf("its place is %v", h)
			}
		})
	}
	within(t, "the counters", func() bool {
		return counter(t, page, `phasor_sketcher_odd_records_sent_total{result="ok",topic="t"}`) >= others && counter(t, page, `phasor_sketcher_records_odd_total{topic="t"}`) >= others
	})
}

// pageAddress is where a role says that its page is.
var pageAddress = regexp.MustCompile(`page=(http://[0-9.:]+/)`)

func pageOf(log string) string {
	if m := pageAddress.FindStringSubmatch(log); m != nil {
		return m[1]
	}
	return ""
}

// counter is the value of a series of a process.
func counter(t *testing.T, page, series string) float64 {
	t.Helper()
	r, err := http.Get(page + "metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "\n"+series+" ")
	if !ok {
		t.Fatalf("no series %s", series)
	}
	line, _, _ := strings.Cut(rest, "\n")
	v, err := strconv.ParseFloat(line, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
