package sketcher

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"phasor/stream"
	"phasor/stream/decode"
)

// However many records of however many partitions are rejected, the log has few lines, and the lines account for all.
func TestRejectsAreLoggedAtABoundedRate(t *testing.T) {
	var out bytes.Buffer
	var budget rejectBudget
	now := time.Unix(1000, 0)
	logs := make([]*rejectLog, 100)
	for i := range logs {
		logs[i] = newRejectLog(slog.New(slog.NewJSONHandler(&out, nil)), &budget)
		logs[i].now = func() time.Time { return now }
	}
	record := &stream.Record{Value: []byte(strings.Repeat("ü", 1000))}
	lines := func() (n int, told float64) {
		for d := json.NewDecoder(&out); d.More(); n++ {
			var line map[string]any
			if err := d.Decode(&line); err != nil {
				t.Fatal(err)
			}
			if v := line["value"].(string); len(v) > rejectSample+4 || strings.ContainsRune(v, '\uFFFD') {
				t.Errorf("the sample is %q", v)
			}
			told += 1 + line["not_shown"].(float64)
		}
		return n, told
	}
	for range 50 {
		for _, l := range logs {
			l.add(record, decode.Decode)
		}
	}
	if n, _ := lines(); n != rejectLines {
		t.Errorf("%d lines of 5,000 records in no time, want %d", n, rejectLines)
	}
	now = now.Add(rejectEvery)
	logs[0].add(record, decode.Decode)
	logs[0].add(record, decode.Schema)
	if n, told := lines(); n != 2 || told != 49+1+1 {
		t.Errorf("%d lines that tell of %v records, want 2 of 51", n, told)
	}
}
