package replay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"phasor/stream/decode"
)

// drain reads a feed to its end: rows as text, errors as "line column reason".
func drain(t testing.TB, f Feed) (out []string) {
	t.Helper()
	for {
		x, ms, err := f.Next()
		var bad *RowError
		switch {
		case err == io.EOF:
			if _, _, err := f.Next(); err != io.EOF {
				t.Errorf("after io.EOF: %v", err)
			}
			return out
		case errors.As(err, &bad):
			out = append(out, fmt.Sprintf("line %d %q %s", bad.Line, bad.Column, bad.Reason))
		case err != nil:
			t.Fatal(err)
		default:
			out = append(out, fmt.Sprintf("%v @%d", x, ms))
		}
	}
}

func TestCSVFiles(t *testing.T) {
	for _, c := range []struct {
		name     string
		text     string
		opt      Options
		channels []string
		rows     []string
	}{
		{"plain", "a,b\n1,2\n3,4\n", Options{}, []string{"a", "b"}, []string{"[1 2] @-1", "[3 4] @-1"}},
		{"byte order mark, CRLF, blank lines, no last line end", "\xef\xbb\xbfa;b\r\n\r\n1;2\r\n  \r\n3;4", Options{}, []string{"a", "b"}, []string{"[1 2] @-1", "[3 4] @-1"}},
		{"faults", "a,b\n1,2\n3,\nx,4\n5\n6,7,8\n\"9,1\n", Options{}, nil, nil},
		{"time in text", "datetime,a,s\n2020-02-29 13:30:47,1,on\n2020-02-29 13:30:48,2,off\n", Options{}, []string{"a"}, []string{"[1] @1582983047000", "[2] @1582983048000"}},
		{"time in seconds", "a,Time\n1,1582983047.5\n2,1582983048\n", Options{}, []string{"a"}, []string{"[1] @1582983047500", "[2] @1582983048000"}},
		{"no time wanted", "a,time\n1,1582983047\n", Options{NoTime: true}, []string{"a", "time"}, []string{"[1 1.582983047e+09] @-1"}},
		{"no header", "1\t2\n3\t4\n", Options{}, []string{"column1", "column2"}, []string{"[1 2] @-1", "[3 4] @-1"}},
		{"names that are numbers", "1,2\n3,4\n", Options{Header: "yes"}, []string{"1", "2"}, []string{"[3 4] @-1"}},
		{"blanks", "  1.5   2\n 3 \t 4  \n", Options{}, []string{"column1", "column2"}, []string{"[1.5 2] @-1", "[3 4] @-1"}},
		{"decimal comma", "a;b\n1,5;2,25\n-3,0;4\n", Options{}, []string{"a", "b"}, []string{"[1.5 2.25] @-1", "[-3 4] @-1"}},
		{"quotes", "\"a, in\nmm\",\"b \"\"x\"\"\"\n\"1\",2\n3,\"4\"\n", Options{}, []string{"a, in_mm", `b "x"`}, []string{"[1 2] @-1", "[3 4] @-1"}},
		{"equal and empty names", "a,,a\n1,2,3\n", Options{}, []string{"a", "column2", "a_2"}, []string{"[1 2 3] @-1"}},
		{"missing is last", "a,b\n1,2\n,3\nnan,4\n", Options{Decode: decode.Config{Missing: "last"}}, []string{"a", "b"}, []string{"[1 2] @-1", "[1 3] @-1", "[1 4] @-1"}},
		{"words for what is missing", "a,b,s\n1,NA,x\nnull,3,y\n5,6,z\n", Options{Decode: decode.Config{Missing: "last"}}, []string{"a", "b"}, []string{`line 2 "b" schema`, "[1 3] @-1", "[5 6] @-1"}},
		{"chosen columns", "a|b|c\n1|x|3\n", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "see", Path: "c"}, {Name: "a"}}}}, []string{"see", "a"}, []string{"[3 1] @-1"}},
		{"where", "a,s\n1,x\n2,y\n3,x\n", Options{Decode: decode.Config{Where: map[string]string{"s": "x"}}}, []string{"a"}, []string{"[1] @-1", "[3] @-1"}},
		{"one column", "a\n1\n2\n", Options{}, []string{"a"}, []string{"[1] @-1", "[2] @-1"}},
		{"header given", "1,2\n", Options{Decode: decode.Config{CSV: decode.CSV{Header: []string{"p", "q"}}}}, []string{"p", "q"}, []string{"[1 2] @-1"}},
		{"long line", "a,b\n1,2\n" + strings.Repeat("7", 300000) + ",1\n3,4\n", Options{Decode: decode.Config{MaxBytes: 1000}}, []string{"a", "b"}, []string{"[1 2] @-1", `line 3 "" oversize`, "[3 4] @-1"}},
	} {
		f, err := NewCSV(iotest.HalfReader(strings.NewReader(c.text)), "file", c.opt)
		if c.name == "faults" {
			c.opt.Decode.Channels = []decode.Channel{{Name: "a"}, {Name: "b"}}
			c.channels = []string{"a", "b"}
			c.rows = []string{"[1 2] @-1", `line 3 "b" schema`, `line 4 "a" schema`, `line 5 "" dimension`, `line 6 "" dimension`, `line 7 "" decode`}
			f, err = NewCSV(strings.NewReader(c.text), "file", c.opt)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := f.Channels(); !reflect.DeepEqual(got, c.channels) {
			t.Errorf("%s: channels %q, want %q", c.name, got, c.channels)
		}
		if got := drain(t, f); !reflect.DeepEqual(got, c.rows) {
			t.Errorf("%s: %q, want %q", c.name, got, c.rows)
		}
	}
}

func TestLostQuoteIsBounded(t *testing.T) {
	text := "a,b\n\"1,2\n" + strings.Repeat("1,2\n", 1000)
	f, err := NewCSV(strings.NewReader(text), "file", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}}})
	if err != nil {
		t.Fatal(err)
	}
	out := drain(t, f)
	good := 0
	for _, row := range out {
		if row == "[1 2] @-1" {
			good++
		}
	}
	if out[0] != `line 2 "" decode` || good != 1000-maxQuotedLines+1 {
		t.Errorf("first %q, then %d good rows", out[0], good)
	}
}

func TestNDJSONFiles(t *testing.T) {
	text := "{\"ts\":\"2020-02-29T13:30:47Z\",\"b\":{\"x.y\":1,\"s\":\"t\"},\"v\":[2,3]}\n\n{\"v\":[5,6],\"b\":{\"x.y\":4},\"ts\":\"2020-02-29T13:30:48Z\"}\r\n{\"v\":[5,6]\n{\"v\":[5],\"b\":{\"x.y\":4},\"ts\":\"2020-02-29T13:30:48Z\"}"
	f, err := NewNDJSON(strings.NewReader(text), "file", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Channels(); !reflect.DeepEqual(got, []string{"b.x.y", "v.0", "v.1"}) {
		t.Errorf("channels %q", got)
	}
	want := []string{"[1 2 3] @1582983047000", "[4 5 6] @1582983048000", `line 4 "" decode`, `line 5 "v.1" schema`}
	if got := drain(t, f); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	f, err = NewNDJSON(strings.NewReader("{\"tag\":\"a\",\"value\":1,\"ts\":5}\n{\"tag\":\"b\",\"value\":2,\"ts\":5}\n{\"tag\":\"a\",\"value\":3,\"ts\":6}\n"), "file",
		Options{Decode: decode.Config{Format: "tags", Channels: []decode.Channel{{Name: "a"}, {Name: "b"}}, Time: decode.Time{Field: "ts"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := drain(t, f); !reflect.DeepEqual(got, []string{"[1 2] @5"}) {
		t.Errorf("tags: %q", got)
	}
	f, err = NewNDJSON(strings.NewReader("1.5\n2.5\n"), "file", Options{})
	if err != nil || drain(t, f)[1] != "[2.5] @-1" {
		t.Errorf("plain numbers: %v", err)
	}
}

func TestFileErrors(t *testing.T) {
	if _, err := OpenCSV(filepath.Join(t.TempDir(), "none.csv"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, c := range []struct {
		text, want string
		opt        Options
	}{
		{"", "no rows", Options{}}, {"{\"a\":1,\"b\":2}\n{\"a\":2,\"b\":2}\n", "--format json", Options{}}, {"a,b\nx,y\n", "name the channels", Options{}}, {"a\n1\n", "use yes, no or auto", Options{Header: "maybe"}},
		{"a\n1\n", "leave it empty", Options{Decode: decode.Config{Format: "json"}}}, {"a\n1\n", "no column", Options{Decode: decode.Config{Channels: []decode.Channel{{Name: "z"}}}}},
	} {
		if _, err := NewCSV(strings.NewReader(c.text), "file", c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	broken := errors.New("broken pipe")
	f, err := NewCSV(io.MultiReader(strings.NewReader("a\n"+strings.Repeat("1\n", 100000)), iotest.ErrReader(broken)), "file", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 100000 {
		if _, _, err := f.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, _, err := f.Next(); !errors.Is(err, broken) {
			t.Errorf("a failing reader: %v", err)
		}
	}
}

func TestOpenAndClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(path, []byte("a\n1\n2\n3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenCSV(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	if err := Close(f); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestTableDoesNotAllocate(t *testing.T) {
	text := "ts,a,b\n" + strings.Repeat("2020-02-29T13:30:47.25Z,1.5,23.456789012345678\n", 20000)
	f, err := NewCSV(strings.NewReader(text), "file", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		f.Next()
	}
	if n := testing.AllocsPerRun(10000, func() {
		if _, _, err := f.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\xef\xbb\xbfa;b\r\n1;2\r\n", "\"a\n\",b\n1,\"2\n", "1 2\n3", "a\x00,b\n1,2", "\n\n", "ts,a\n1700000000,1\n", "a,b,\n1,2,\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		feed, err := NewCSV(strings.NewReader(text), "file", Options{Decode: decode.Config{MaxBytes: 200}})
		if err != nil {
			return
		}
		d := len(feed.Channels())
		for range len(text) + 2 {
			x, ms, err := feed.Next()
			var bad *RowError
			if err == io.EOF {
				return
			}
			if errors.As(err, &bad) {
				if bad.Line < 1 || bad.Line > strings.Count(text, "\n")+1 {
					t.Fatalf("%q: an error of line %d", text, bad.Line)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(x) != d || ms < -1 {
				t.Fatalf("%q: %d values at %d", text, len(x), ms)
			}
			for _, v := range x {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%q: value %v", text, v)
				}
			}
		}
		t.Fatalf("%q: more rows than bytes", text)
	})
}

func BenchmarkCSVFile(b *testing.B) {
	text := "a,b,c,d\n" + strings.Repeat("1.5,2.25,23.456,-7.125\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		f, err := NewCSV(strings.NewReader(text), "file", Options{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, _, err := f.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
