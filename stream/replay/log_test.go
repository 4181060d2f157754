package replay

import (
	"errors"
	"io"
	"strings"
	"testing"

	"phasor/stream/decode"
)

func TestPatternsAreFoundOut(t *testing.T) {
	for _, c := range []struct{ pattern, lines string }{
		{"hdfs", "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38 terminating\n081109 203807 222 WARN dfs.DataNode: x"},
		{"syslog", "Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186\nDec 10 06:55:48 LabSZ sshd[24200]: error: x"},
		{"bgl", "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO instruction cache parity error corrected"},
		{"apache", "[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6"},
		{"log4j", "2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.App: Created App for application"},
		{"spark", "17/06/09 20:10:40 INFO executor.Backend: Registered signal handlers"},
		{"combined", `10.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326 "http://a/" "Mozilla/4.08"`},
		{"access", `10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326`},
		{"json", `{"level":"info","ts":1700000000.5,"msg":"started"}` + "\n" + `{"level":"warn","ts":1700000001.5,"msg":"slow"}`},
		{"logfmt", `time=2026-01-02T03:04:05Z level=info msg="server started" port=80`},
		{"timed", "2026-01-02 03:04:05 server started\n2026-01-02 03:04:06 listening"},
		{"", "server started\nlistening on 80"},
	} {
		f, err := NewLog(strings.NewReader(c.lines), "x.log", Options{Decode: decode.Config{Log: decode.Log{Pattern: AutoPattern}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Config().Log.Pattern; got != c.pattern {
			t.Errorf("%q is read as %q, not %q", c.lines, got, c.pattern)
		}
		for n := range strings.Count(c.lines, "\n") + 1 {
			if _, _, err := f.Next(); err != nil {
				t.Errorf("%s: line %d: %v", c.pattern, n+1, err)
			}
		}
		if _, _, err := f.Next(); err != io.EOF {
			t.Errorf("%s: after the last line: %v", c.pattern, err)
		}
	}
}

// What does not match is counted, and the reading goes on behind it.
func TestLogCountsWhatDoesNotMatch(t *testing.T) {
	text := "INFO: a\n\tat com.example.Main\nWARN: b c\n"
	f, err := NewLog(strings.NewReader(text), "x.log", Options{Decode: decode.Config{Log: decode.Log{Pattern: "<level>: <message>", Hash: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Channels()); n != 7 {
		t.Errorf("%d channels %q", n, f.Channels())
	}
	var levels []float64
	bad := 0
	for {
		x, ms, err := f.Next()
		var row *RowError
		if errors.As(err, &row) {
			if bad++; row.Line != 2 || row.Reason != decode.Decode {
				t.Error(err)
			}
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if ms != -1 {
			t.Errorf("a line without a time has the time %d", ms)
		}
		levels = append(levels, x[0])
	}
	if bad != 1 || len(levels) != 2 || levels[0] != 3 || levels[1] != 5 {
		t.Errorf("%d bad lines, levels %v", bad, levels)
	}
}

func TestLinesAreVerbatim(t *testing.T) {
	f := NewLines(strings.NewReader("a  b\r\n\n \xff\xc3(\nlast"), "x", nil)
	enc, ok := Verbatim(f)
	if !ok {
		t.Fatal("lines have no encoder")
	}
	var got []string
	for {
		x, ms, err := f.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(enc.Append(nil, x, ms)))
	}
	if want := []string{"a  b", " \xff\xc3(", "last"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, want %q", got, want)
	}
	if _, ok := Verbatim(&Table{}); ok {
		t.Error("a table is no feed of lines")
	}
	if err := enc.Config().Validate(); err != nil {
		t.Error(err)
	}
}

// A file of records is decoded as a topic is: nothing is found out.
func TestRecordsAreDecodedAsConfigured(t *testing.T) {
	c := decode.Config{Format: "csv", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}
	f, err := NewRecords(strings.NewReader("1,2\n3,\"4\n\"\n1;2\n5,6"), "x.csv", Options{Decode: c})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	bad := 0
	for {
		x, _, err := f.Next()
		var row *RowError
		if errors.As(err, &row) {
			bad++
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sum += x[0]
	}
	if sum != 6 || bad != 2 {
		t.Errorf("sum %v, %d bad rows", sum, bad)
	}
	if _, err := NewRecords(strings.NewReader(""), "x", Options{Decode: decode.Config{Format: "float64", Channels: c.Channels}}); err == nil {
		t.Error("raw records are no lines")
	}
	c = decode.Config{Channels: c.Channels, Window: decode.Window{Lags: 3}}
	if f, err = NewRecords(strings.NewReader("{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n{\"a\":5,\"b\":6}\n"), "x", Options{Decode: c}); err != nil {
		t.Fatal(err)
	}
	x, _, err := f.Next()
	if err != nil || len(x) != 6 || x[0] != 1 || x[2] != 5 || x[3] != 2 {
		t.Errorf("%v %v", x, err)
	}
}
