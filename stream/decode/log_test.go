package decode

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"phasor/stream"
)

func tokensOf(message string) []string {
	var w tokens
	var out []string
	w.start([]byte(message))
	for token := w.next(); token != nil; token = w.next() {
		out = append(out, string(token))
	}
	return out
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{"Received block blk_-160 of size 67108864 from /10.251.42.84", "received block <id> of size <num> from <ip>"},
		{"Invalid user webmaster from 173.234.31.186 port 22", "invalid user webmaster from <ip> port <num>"},
		{"src: /10.250.19.102:54106 dest: /10.250.19.102:50010", "src <ip> dest <ip>"},
		{"took 12ms, 3.5% of 1e6 (-2) +4.25s", "took <num> <num> of <num> <num> <num>"},
		{"req=38101a0b-2096-447d-96ea-a692162415ae id=deadbeef01 at 0x1F", "req <uuid> id <hex> at <hex>"},
		{"open /etc/passwd C:\\a\\b.txt a/b/c https://x.org/y and/or", "open <path> <path> <path> <path> and/or"},
		{"fe80::1 1::2 10:20:30 a:b", "<ip> <ip> <ip> a:b"},
		{`"quoted", [bracket] {x:1} 'single'!`, "quoted bracket <id> single"},
		{"naïve ΔΕΛΤΑ ÜBER", "naïve ΔΕΛΤΑ Über"}, // Only ASCII letters become small.
		{"\xff\xfe bad\xc3 bytes", "\xff\xfe bad\xc3 bytes"},
		{"a\u00a0b", "a\u00a0b"},
		{" .:'/ ... ", ""},
		{"", ""},
	} {
		want := strings.Fields(c.want)
		if strings.Contains(c.want, "\u00a0") {
			want = []string{c.want}
		}
		if got := tokensOf(c.message); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", c.message, got, want)
		}
	}
}

// The buckets are what the documentation says: XXH3 of each token, the upper
// half for the bucket and the lowest bit for the sign.
func TestHashChannelsFollowTheirDefinition(t *testing.T) {
	const k = 8
	message := "Received block blk_1 of size 7 from /10.0.0.1 of of of"
	sums := make([]float64, k)
	words := tokensOf(message)
	for _, w := range words {
		h := xxh3.HashString(w)
		s := 1.0
		if h%2 == 1 {
			s = -1
		}
		sums[h>>32*k>>32] += s
	}
	norm := 0.0
	for _, v := range sums {
		norm += v * v
	}
	for _, n := range []struct {
		name string
		of   func(c float64) float64
	}{
		{"counts", func(c float64) float64 { return c }},
		{"length", func(c float64) float64 { return c / float64(len(words)) }},
		{"unit", func(c float64) float64 { return c / math.Sqrt(norm) }},
		{"log", func(c float64) float64 { return math.Copysign(math.Log1p(math.Abs(c)), c) }},
		{"", func(c float64) float64 { return c / float64(len(words)) }},
	} {
		d := mustNew(t, Config{Format: "log", Log: Log{Hash: k, Norm: n.name}})
		x := make([]float64, 3+k)
		if r := d.Decode(x, rec(message)); !r.Emitted || x[1] != float64(len(message)) || x[2] != float64(len(words)) {
			t.Fatalf("%+v %v", r, x)
		}
		for i, c := range sums {
			if x[3+i] != n.of(c) {
				t.Errorf("%s: bucket %d is %v, want %v", n.name, i, x[3+i], n.of(c))
			}
		}
	}
}

// Lines that differ in variable parts only are of one template; one bucket is 1.
func TestTemplatesAreOneHot(t *testing.T) {
	d := mustNew(t, Config{Format: "log", Log: Log{Templates: 64}, Channels: []Channel{{Name: "length", Path: "$length"}}})
	at := func(line string) int {
		x := make([]float64, 65)
		if r := d.Decode(x, rec(line)); !r.Emitted {
			t.Fatalf("%q: %+v", line, r)
		}
		found := -1
		for i, v := range x[1:] {
			if v != 0 && (v != 1 || found >= 0) {
				t.Fatalf("%q: %v is no one-hot vector", line, x[1:])
			}
			if v == 1 {
				found = i
			}
		}
		return found
	}
	if a, b := at("Deleting block blk_17 file /mnt/a/b"), at("Deleting block blk_-9 file /srv/c"); a != b || a < 0 {
		t.Errorf("one template gives the buckets %d and %d", a, b)
	}
	seen := map[int]bool{}
	for i := range 40 {
		seen[at(strings.Repeat("word ", i+1))] = true
	}
	if len(seen) < 20 {
		t.Errorf("40 templates share %d of 64 buckets", len(seen))
	}
}

func TestLevels(t *testing.T) {
	for text, want := range map[string]uint8{"TRACE": 1, "debug": 2, "Info": 3, "[notice]": 4, "WARN": 5, "warning:": 5, "ERROR": 6, "SEVERE": 6, "fatal": 7,
		"crit": 7, "alert": 8, "emerg": 9, "W": 5, "0": 9, "3": 6, "7": 2, "8": 0, "10": 1, "30": 3, "35": 3, "40": 5, "60": 7, "61": 0, "100": 0, "": 0, "-": 0,
		"informational": 3, "informationals": 0, "\xff\xff": 0, "err\xffor": 0} {
		if got := levelOf([]byte(text)); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
	for line, want := range map[string]uint8{"2026-01-02 [ERROR] x": 6, "x info: warn": 3, "information on warnings": 3, "misinformation": 0, "all is fine": 0, "no level": 0,
		strings.Repeat("x", 130) + " error": 0, "éerror x": 0, "Dec 10 sshd[24]: error: PAM": 6} {
		if got := findLevel([]byte(line)); got != want {
			t.Errorf("%q has %d, want %d", line, got, want)
		}
	}
}

// The records of common loggers have a level, a message and a time without any
// configuration.
func TestJSONLoggers(t *testing.T) {
	c := Config{Format: "log", Log: Log{Pattern: "json", Hash: 4}}
	const message = "request done"
	for name, value := range map[string]string{
		"zap":      `{"level":"warn","ts":1700000000.123,"caller":"x.go:1","msg":"request done","n":5}`,
		"zerolog":  `{"level":"warn","time":1700000000123,"message":"request done"}`,
		"logrus":   `{"level":"warning","msg":"request done","time":"2023-11-14T22:13:20.123Z"}`,
		"slog":     `{"time":"2023-11-14T22:13:20.123456789Z","level":"WARN","msg":"request done","n":3}`,
		"log4j":    `{"instant":{"epochSecond":1700000000,"nanoOfSecond":123000000},"level":"WARN","message":"request done"}`,
		"ecs":      `{"@timestamp":"2023-11-14T22:13:20.123Z","log.level":"WARN","message":"request done","ecs.version":"1.2.0"}`,
		"nested":   `{"@timestamp":"2023-11-14T22:13:20.123Z","log":{"level":"WARN"},"message":"request done"}`,
		"bunyan":   `{"name":"a","hostname":"b","pid":1,"level":40,"msg":"request done","time":"2023-11-14T22:13:20.123Z","v":0}`,
		"pino":     `{"level":40,"time":1700000000123,"msg":"request done"}`,
		"python":   `{"asctime":"2023-11-14 22:13:20,123","levelname":"WARNING","message":"request done"}`,
		"google":   `{"severity":"WARNING","timestamp":"2023-11-14T22:13:20.123Z","textPayload":"request done"}`,
		"journal":  `{"__REALTIME_TIMESTAMP":"1700000000123456","PRIORITY":"4","MESSAGE":"request done"}`,
		"escaped":  `{"level":"w\u0061rn","ts":"1700000000.123","msg":"request\u0020done"}`,
		"reversed": `{"msg":"request done","ts":1700000000.123,"level":"warn"}`,
	} {
		d := mustNew(t, c)
		x := make([]float64, 7)
		want := make([]float64, 7)
		mustNew(t, Config{Format: "log", Log: Log{Hash: 4}}).Decode(want, rec(message))
		for round := range 3 {
			r := d.Decode(x, rec(value))
			at := int64(1700000000123)
			if name == "log4j" {
				at = 1700000000000
			}
			if !r.Emitted || r.Time != at || x[0] != 5 || x[1] != float64(len(message)) || x[2] != 2 {
				t.Errorf("%s, round %d: %+v %v", name, round, r, x)
			}
			for k := 3; k < 7; k++ {
				if x[k] != want[k] {
					t.Errorf("%s: hashed tokens %v, want %v", name, x[3:], want[3:])
					break
				}
			}
		}
	}
	// Of several names the first of the list counts, in whatever order they come; of equal names the last.
	for _, value := range []string{`{"msg":"b","message":"a b c"}`, `{"message":"a b c","msg":"b"}`, `{"message":"x","msg":"b","message":"a b c"}`, `{"message":"x","message":null,"msg":"a b c"}`} {
		x := make([]float64, 7)
		if r := mustNew(t, c).Decode(x, rec(value)); !r.Emitted || x[2] != 3 {
			t.Errorf("%s: %+v %v", value, r, x)
		}
	}
	for value, want := range map[string]Reason{`{"msg":"x"}`: Accepted, `{}`: Accepted, `not json`: Decode, `{"ts":"yesterday","msg":"x"}`: Schema, `{"time":12.5}`: Schema, ` `: Decode} {
		if r := mustNew(t, c).Decode(make([]float64, 7), rec(value)); r.Reason != want || want == Accepted && r.Time != 5 {
			t.Errorf("%s: %+v, want %v", value, r, want)
		}
	}
}

func TestLogfmt(t *testing.T) {
	c := Config{Format: "log", Log: Log{Pattern: "logfmt"}, Channels: []Channel{{Name: "took"}, {Name: "level", Path: "$level"}, {Name: "tokens", Path: "$tokens"}},
		Where: map[string]string{"app": "x"}}
	check(t, c, []expectation{
		{`time=2023-11-14T22:13:20Z level=error app=x took=1.5 msg="a b"`, Accepted, []float64{1.5, 6, 2}},
		{`took=1 took=2.5 app=y app=x lvl=warn msg="a \"b\" 7" flag`, Accepted, []float64{2.5, 5, 3}},
		{"app=x\ttook=3", Accepted, []float64{3, 0, 0}},
		{`app=y took=3`, Filtered, nil},
		{`app=x app=y took=3`, Filtered, nil},
		{`app="x" app="y" took=3`, Filtered, nil},
		{`app=x took=fast`, Schema, nil},
		{`app=x took=`, Schema, nil},
		{`app=x`, Schema, nil},
		{`app=x took=1 time=never`, Schema, nil},
		{`app=x took="1`, Decode, nil},
		{`app=x took="1"2`, Decode, nil},
		{`app=x "took"=1`, Decode, nil},
		{`=x took=1`, Decode, nil},
		{`just words`, Decode, nil},
	})
	x := make([]float64, 3)
	if r := mustNew(t, c).Decode(x, rec(`ts=1700000000 app=x took=1`)); r.Time != 1700000000000 {
		t.Errorf("%+v", r)
	}
}

func TestLogDefaultsAndFingerprint(t *testing.T) {
	names := func(l Log) string { return strings.Join(Config{Format: "log", Log: l}.Names(), " ") }
	for _, c := range []struct {
		log  Log
		want string
	}{
		{Log{Hash: 2}, "level length tokens hash0 hash1"},
		{Log{Templates: 11}, "level length tokens template00 template01 template02 template03 template04 template05 template06 template07 template08 template09 template10"},
		{Log{Pattern: "<a:number> <b> <c:number>"}, "a c"},
		{Log{Pattern: "<a:number> <b>", Hash: 1}, "a hash0"},
	} {
		if got := names(c.log); got != c.want {
			t.Errorf("%+v: %s, want %s", c.log, got, c.want)
		}
	}
	if n := len(Config{Format: "log"}.Names()); n != 3+defaultHash {
		t.Errorf("%d channels by default", n)
	}
	seen := map[string]Log{}
	for _, l := range []Log{{}, {Pattern: "hdfs"}, {Pattern: "<a>"}, {Regexp: "(?P<a>x)"}, {Hash: 2}, {Templates: 2}, {Hash: 2, Norm: "unit"}, {Pattern: "json", Level: "l"},
		{Pattern: "json", Message: "m"}, {Pattern: "json"}, {Unmatched: "skip"}} {
		f := Config{Format: "log", Log: l}.Fingerprint()
		if other, ok := seen[f]; ok {
			t.Errorf("%+v and %+v have one fingerprint", l, other)
		}
		seen[f] = l
	}
	a, b := Config{Format: "log"}, Config{Format: "log", Log: Log{Hash: defaultHash, Norm: "length", Unmatched: "reject"}}
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("written defaults change the fingerprint")
	}
	for _, c := range []Config{{Format: "log"}, {Format: "log", Log: Log{Pattern: "hdfs"}}, {Format: "log", Time: Time{Field: "x"}, Log: Log{Pattern: "json"}}} {
		if got := c.EventTime(); got == "" {
			t.Errorf("%+v has no event time", c)
		}
	}
}

// Decoding allocates nothing once the buffers have grown.
func TestLogsDoNotAllocate(t *testing.T) {
	lines := map[string]string{
		"hdfs":   "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38865049064139660 terminating",
		"syslog": "Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186",
		"json":   `{"level":"info","ts":1700000000.5,"caller":"a/b.go:12","msg":"started \u0041 7"}`,
		"logfmt": `time=2026-01-02T03:04:05Z level=info msg="server \"a\" started" port=80`,
		"":       "[error] something is wrong with /a/b and 10.0.0.1",
	}
	for pattern, line := range lines {
		d := mustNew(t, Config{Format: "log", Log: Log{Pattern: pattern, Hash: 8, Templates: 8}})
		x := make([]float64, 19)
		r := rec(line)
		if n := testing.AllocsPerRun(100, func() {
			if got := d.Decode(x, r); !got.Emitted {
				t.Fatalf("%s: %+v", pattern, got)
			}
		}); n != 0 {
			t.Errorf("%q: %v allocations a line", pattern, n)
		}
	}
}

func BenchmarkLog(b *testing.B) {
	records := make([]stream.Record, 1024)
	total := 0
	for n := range records {
		records[n].Value = fmt.Appendf(nil, "081109 2036%02d %d INFO dfs.DataNode$PacketResponder: Received block blk_%d of size %d from /10.251.%d.%d", n%60, n, n*77777, n*4096, n%256, n/4)
		total += len(records[n].Value)
	}
	c := Config{Format: "log", Log: Log{Pattern: "hdfs", Hash: 16}}
	c.Channels = c.Vector()
	benchmark(b, c, records, int64(total/len(records)))
}

// The page of formats shows the patterns as they are.
func TestFormatsPageNamesPatterns(t *testing.T) {
	b, err := os.ReadFile("FORMATS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(b)), " ")
	for _, p := range namedPatterns {
		row := "| `" + p.name + "` | `" + p.template + "` |"
		if p.template == "" || p.name == "combined" {
			row = "| `" + p.name + "` |"
		}
		if !strings.Contains(page, row) {
			t.Errorf("the page does not have the row %s", row)
		}
	}
	for name, keys := range map[string][]string{"time": timeKeys, "level": levelKeys, "message": textKeys} {
		for _, k := range keys {
			if k = plainName(k); !strings.Contains(page, k) {
				t.Errorf("the page does not name %s among the fields of the %s", k, name)
			}
		}
	}
	for _, n := range append(Norms(), "$level", "$length", "$tokens", "$hash[k]", "$template[k]", maskHex, maskID, maskIP, maskNumber, maskPath, maskUUID) {
		if !strings.Contains(page, "`"+n+"`") {
			t.Errorf("the page does not describe %s", n)
		}
	}
}
