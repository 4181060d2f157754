package decode

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func TestNumberEqualsParseFloat(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	texts := []string{
		"0", "-0", "0.0", "-0.0", "1", "-1", "9007199254740991", "9007199254740993", "9007199254740993.5",
		"0.1", "0.3", "1e22", "1e23", "-1e-22", "1e-23", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
		"1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e309", "1e-400", "1E+2", "1e-0", "0e5", "0e-30",
		"9223372036854775807", "18446744073709551615", "18446744073709551616", "9999999999999999999", "999999999999999999999",
		"0.9999999999999999999", "8.8817841970012523e-16", "123456789012345678901234567890.5", "0.000000000000000000000000001",
		"1e99999999999999999999", "1e-99999999999999999999", "9007199254740992.5", "9007199254740994.5", "4503599627370496.5", "4503599627370497.5",
	}
	for range rounds(50000) {
		var s string
		switch r.IntN(7) {
		case 6:
			s = strconv.FormatFloat(r.NormFloat64()*math.Pow10(r.IntN(6)), 'f', r.IntN(5), 64)
		case 0:
			s = strconv.FormatFloat(math.Float64frombits(r.Uint64()&^(1<<62)), 'g', -1, 64)
		case 1:
			s = strconv.FormatFloat(r.NormFloat64()*100, 'f', -1, 64)
		case 2:
			s = fmt.Sprintf("%d.%0*d", r.Uint64N(1000), 1+r.IntN(17), r.Uint64N(1e9))
		case 3:
			s = fmt.Sprintf("%d.%d", r.Uint64()>>r.IntN(64), r.Uint64()>>r.IntN(64))
		case 4:
			s = fmt.Sprintf("-%de%d", r.Uint64()>>r.IntN(64), r.IntN(60)-30)
		default:
			// Halves between neighbours, where rounding is decided by the last digit.
			m := uint64(1)<<53 + r.Uint64N(1<<10)*2 + 1
			s = strconv.FormatUint(m, 10)
			p := 1 + r.IntN(15)
			s = s[:p] + "." + s[p:]
		}
		texts = append(texts, s)
	}
	for _, s := range texts {
		if !json.Valid([]byte(s)) {
			continue
		}
		want, _ := strconv.ParseFloat(s, 64)
		got, next := number([]byte(s), 0)
		if next != len(s) || !same(got, want) {
			t.Fatalf("number(%q) = %v up to %d, want %v", s, got, next, want)
		}
		for _, tail := range []string{`,"b":1.25`, "}\n        ", "\xff\xff\xff\xff\xff\xff\xff\xff", " 12345678"} {
			if got, next := number([]byte(s+tail), 0); next != len(s) || !same(got, want) {
				t.Fatalf("number(%q) = %v up to %d, want %v up to %d", s+tail, got, next, want, len(s))
			}
		}
		if skipNumber([]byte(s), 0) != len(s) {
			t.Fatalf("skipNumber(%q) stops early", s)
		}
		if got, ok := ParseNumber([]byte(s)); !ok || !same(got, want) {
			t.Fatalf("ParseNumber(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
}

func TestParseNumberGrammar(t *testing.T) {
	for s, want := range map[string]float64{
		"+1.5": 1.5, ".5": .5, "5.": 5, "007": 7, "-.25e1": -2.5, "Inf": math.Inf(1), "-infinity": math.Inf(-1), "NaN": math.NaN(), "+inf": math.Inf(1),
	} {
		got, ok := ParseNumber([]byte(s))
		if !ok || got != want && !(got != got && want != want) {
			t.Errorf("ParseNumber(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "+", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", "1 ", " 1", "1,5", "na", "infin", "--1", "1.2.3"} {
		if v, ok := ParseNumber([]byte(s)); ok {
			t.Errorf("ParseNumber(%q) = %v, want none", s, v)
		}
	}
	if v, ok := parseCell([]byte("-1234,5678901234567890123e2"), ','); !ok || v != -123456.78901234567890123 {
		t.Errorf("decimal comma: %v, %v", v, ok)
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0.0", "1e5", "12345678901234567890", "0.1e-7", "01", "1.", "-", "1e+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, next := number([]byte(s), 0)
		if skipped := skipNumber([]byte(s), 0); skipped != next {
			t.Fatalf("number(%q) ends at %d, skipNumber at %d", s, next, skipped)
		}
		if next < 0 {
			var n json.Number
			if json.Unmarshal([]byte(s), &n) == nil && len(s) > 0 && (s[0] == '-' || s[0]-'0' < 10) {
				t.Fatalf("number(%q) refused", s)
			}
			return
		}
		want, _ := strconv.ParseFloat(s[:next], 64)
		if !json.Valid([]byte(s[:next])) || !same(got, want) {
			t.Fatalf("number(%q) = %v up to %d, want %v", s, got, next, want)
		}
	})
}
