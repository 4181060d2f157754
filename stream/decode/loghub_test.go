package decode

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"phasor/stream"
)

// loghub returns the lines of one of loghub's samples of 2000 lines.
func loghub(t testing.TB, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "loghub", name, name+"_2k.log"))
	if err != nil {
		t.Skip("shared data absent")
	}
	var lines [][]byte
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		lines = append(lines, bytes.Clone(s.Bytes()))
	}
	return lines
}

// The named patterns read the systems that they are for, line by line with a
// time, apart from the lines that are the continuation of another.
func TestNamedPatternsReadLoghub(t *testing.T) {
	for _, c := range []struct {
		system, pattern string
		others          int
		first           string
	}{
		{"HDFS", "hdfs", 0, "2008-11-09T20:36:15Z"},
		{"OpenSSH", "syslog", 0, "1972-12-10T06:55:46Z"},
		{"BGL", "bgl", 0, "2005-06-03T15:42:50.675Z"},
		{"Apache", "apache", 0, "2005-12-04T04:47:44Z"},
		{"Zookeeper", "zookeeper", 0, "2015-07-29T17:41:44.747Z"},
		{"Hadoop", "log4j", 0, "2015-10-18T18:01:47.978Z"},
		{"Spark", "spark", 0, "2017-06-09T20:10:40Z"},
		{"Mac", "timed", 0, "1972-07-01T09:00:55Z"},
	} {
		d := mustNew(t, Config{Format: "log", Log: Log{Pattern: c.pattern}})
		want, _ := ParseTime([]byte(c.first), "rfc3339")
		x := make([]float64, 3+defaultHash)
		others := 0
		for i, line := range loghub(t, c.system) {
			r := d.Decode(x, &stream.Record{Time: stream.NoTime, Value: line})
			if !r.Emitted {
				if others++; others <= 3 {
					t.Logf("%s: %s", c.system, line)
				}
				continue
			}
			if r.Time < 0 || i == 0 && r.Time != want {
				t.Fatalf("%s: line %d has the time %d, the first should have %d", c.system, i, r.Time, want)
			}
		}
		if others != c.others {
			t.Errorf("%s: %d lines do not match %s, expected %d", c.system, others, c.pattern, c.others)
		}
	}
}
