package decode

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"phasor/stream"
)

var blankRuns = regexp.MustCompile(`[ \t]+`)

// collapse makes each run of blanks one.
func collapse(s string) string { return blankRuns.ReplaceAllString(s, " ") }

// Templates find what a regular expression of lazy groups finds in the line in
// which each run of blanks is one blank.
func TestTemplatesAgreeWithRegexp(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	text := func(alphabet string, most int) string {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	matches := 0
	for range rounds(3000) {
		fields := 1 + rng.IntN(4)
		literals := make([]string, fields+1)
		for i := range literals {
			literals[i] = collapse(text("ab: [", 3))
			if literals[i] == "" && i > 0 && i < fields {
				literals[i] = " "
			}
		}
		literals[fields] = strings.TrimRight(literals[fields], " ")
		template, expr := literals[0], "(?s)^"+regexp.QuoteMeta(literals[0])
		for i := range fields {
			template += "<f" + string(rune('0'+i)) + ">" + literals[i+1]
			expr += "(.*?)" + regexp.QuoteMeta(literals[i+1])
		}
		re := regexp.MustCompile(expr + "$")
		p, err := parseLine(template, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			value := text("ab: \t[x", 12)
			if rng.IntN(2) == 0 {
				value = strings.ReplaceAll(literals[0], " ", text(" \t", 2)+" ")
				for i := range fields {
					value += text("ab: x", 4) + strings.ReplaceAll(literals[i+1], " ", " "+text(" \t", 2))
				}
			}
			b := trimLine([]byte(value))
			want := re.FindStringSubmatch(collapse(string(b)))
			_, ok := p.match(b, nil, -1)
			if ok != (want != nil) {
				t.Fatalf("%q with %q: %v, the regular expression %s gives %q", b, template, ok, re, want)
			}
			if !ok {
				continue
			}
			matches++
			for i, f := range p.fields {
				if got := collapse(string(b[f.start:f.end])); got != want[i+1] {
					t.Fatalf("%q with %q: field %d is %q, the regular expression finds %q", b, template, i, got, want[i+1])
				}
			}
		}
	}
	if matches < 1000 {
		t.Errorf("only %d lines matched: the test shows little", matches)
	}
}

// A long line takes time in proportion to its length, whatever the pattern.
func TestLongLines(t *testing.T) {
	for _, pattern := range []string{"<a> x", "a <b> a <c> x", "<a>  [<b>] x", "<a>aab<b>x"} {
		d := mustNew(t, Config{Format: "log", Log: Log{Pattern: pattern}, Channels: []Channel{{Name: "n", Path: "$tokens"}}})
		for _, unit := range []string{" ", "a", "a ", " [", "\t \t", "aa b"} {
			d.Decode(make([]float64, 1), rec(strings.Repeat(unit, DefaultMaxBytes/len(unit)-1)+"z"))
		}
	}
}

// many returns a template of n named fields.
func many(n int) string {
	var b strings.Builder
	for k := range n {
		fmt.Fprintf(&b, "<f%d> ", k)
	}
	return b.String()
}

func TestPatternErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		log  Log
		c    Config
		want string
	}{
		{Log{Pattern: "nginx"}, Config{}, "hdfs"},
		{Log{Pattern: "<a"}, Config{}, `write \<`},
		{Log{Pattern: "<a><b>"}, Config{}, "nothing between"},
		{Log{Pattern: "<a> <a>"}, Config{}, "twice"},
		{Log{Pattern: "<a:int>"}, Config{}, "<a:number>"},
		{Log{Pattern: "<>"}, Config{}, "<_>"},
		{Log{Pattern: "<user@host> x"}, Config{}, "letters, digits"},
		{Log{Pattern: "<a>", Regexp: "x"}, Config{}, "keep one"},
		{Log{Regexp: "("}, Config{}, "missing closing"},
		{Log{Pattern: "<a>", Level: "b"}, Config{}, "no field of the line"},
		{Log{Pattern: "<a>", Message: "b"}, Config{}, "the pattern has a"},
		{Log{Norm: "l2"}, Config{}, "length, log, counts, unit"},
		{Log{Unmatched: "drop"}, Config{}, "skip"},
		{Log{Hash: -1}, Config{}, "from 0 to 4096"},
		{Log{Templates: 5000}, Config{}, "from 0 to 4096"},
		{Log{Hash: 4}, Config{Channels: []Channel{{Name: "h", Path: "$hash[4]"}}}, "none of the 4 buckets"},
		{Log{Pattern: "<a>"}, Config{Channels: []Channel{{Name: "b"}}}, "no field"},
		{Log{Pattern: "<a>"}, Config{Where: map[string]string{"b": "x"}}, "where"},
		{Log{Pattern: "<a>"}, Config{Time: Time{Field: "b"}}, "time.field"},
		{Log{Pattern: "<a>"}, Config{Window: Window{Lags: 2, Key: "b"}}, "window.key"},
		{Log{Pattern: strings.Repeat("x", 5000)}, Config{}, "shorter"},
		{Log{Regexp: strings.Repeat("(?P<a>x)", 2)}, Config{}, "twice"},
		{Log{Pattern: "<a> " + many(64)}, Config{}, "at most 64"},
	} {
		c.c.Format, c.c.Log = "log", c.log
		if err := c.c.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "decode: ") {
			t.Errorf("%+v: %v, want %q", c.log, err, c.want)
		}
	}
	if err := (Config{Channels: paths("a"), Log: Log{Hash: 3}}).Validate(); err == nil {
		t.Error("a log section with format json is accepted")
	}
}

// Fields, numbers, filters and the time of a template and of the regular
// expression that says the same.
func TestTemplateAndRegexpFields(t *testing.T) {
	template := Log{Pattern: `<time> <level> dfs.<component>: Received block <_> of size <size:number> from /<host>`}
	expr := Log{Regexp: `^(?P<time>\d{6} \d{6}) +(?P<level>\S+) +dfs\.(?P<component>.*?): Received block .*? of size (?P<size>.*?) from /(?P<host>.*)$`}
	for _, l := range []Log{template, expr} {
		l.Unmatched = "skip"
		c := Config{Format: "log", Log: l, Where: map[string]string{"component": "DataNode"}, Time: Time{Field: "time", Unit: "auto"},
			Channels: []Channel{{Name: "size"}, {Name: "level", Path: "$level"}}}
		check(t, c, []expectation{
			{"081109 203615 WARN dfs.DataNode: Received block blk_3 of size 67108864 from /10.1.1.1\n", Accepted, []float64{67108864, 5}},
			{"081109 203615  INFO  dfs.DataNode: Received block blk_3 blk_4 of size 1e3 from /10.1.1.1  ", Accepted, []float64{1000, 3}},
			{"081109 203615 INFO dfs.Other: Received block blk_3 of size 6 from /10.1.1.1", Filtered, nil},
			{"081109 203615 INFO dfs.DataNode: Received block blk_3 of size big from /10.1.1.1", Schema, nil},
			{"081109 203615 INFO dfs.DataNode: Received block blk_3 of size - from /10.1.1.1", Schema, nil},
			{"081109 203615 INFO dfs.DataNode: Received block blk_3 of size inf from /10.1.1.1", Nonfinite, nil},
			{"081109 203615 INFO dfs.DataNode: Served block blk_3", Filtered, nil},
			{"", Filtered, nil},
		})
		x := make([]float64, 2)
		want, _ := ParseTime([]byte("2008-11-09T20:36:15Z"), "rfc3339")
		if r := mustNew(t, c).Decode(x, &stream.Record{Time: 5, Value: []byte("081109 203615 INFO dfs.DataNode: Received block b of size 1 from /h")}); r.Time != want {
			t.Errorf("%+v, want the time %d", r, want)
		}
	}
}
