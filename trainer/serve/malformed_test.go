package serve

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"phasor/trainer/score"
)

// examples returns the bodies of the document by their paths, in order.
func examples(t testing.TB) (paths, bodies []string) {
	t.Helper()
	var d openapi
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"sample", "score", "impute", "denoise", "recover", "deconvolve"} {
		paths = append(paths, "/v1/"+p)
		bodies = append(bodies, string(d.Paths["/v1/"+p]["post"].RequestBody.Content["application/json"].Example))
	}
	return paths, bodies
}

// spoiled returns a body that cannot be answered, whatever it was before.
func spoiled(rng *rand.Rand, body string) string {
	switch rng.IntN(10) {
	case 0: // Cut off.
		return body[:rng.IntN(len(body))]
	case 1: // A value of a wrong type in the first field.
		i := strings.IndexByte(body, ':')
		return body[:i+1] + []string{`"x"`, `true`, `{"a":[]}`, `"1"`, `1e999`, `NaN`, `-`}[rng.IntN(7)] + "}"
	case 2: // A field that there is not.
		return fmt.Sprintf(`{"f%d":1,%s`, rng.IntN(100), body[1:])
	case 3: // Another value behind.
		return body + []string{"{}", "1", "]", "x", "\x00"}[rng.IntN(5)]
	case 4: // Bytes.
		b := make([]byte, rng.IntN(200))
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		return "\xff" + string(b)
	case 5: // Deep.
		return strings.Repeat("[", 1+rng.IntN(20_000))
	case 6: // Not an object.
		return []string{"[]", "1", `"x"`, "true", "[1,2]", "[{}]"}[rng.IntN(6)]
	case 7: // A byte that no JSON has there.
		i := 1 + rng.IntN(len(body)-1)
		return body[:i] + "\x01" + body[i:]
	case 8: // Lists of wrong lengths.
		return `{"records":[` + strings.Repeat("[1],", rng.IntN(50)) + `[1,2,3,4,5]],"measurements":[],"matrix":[],"n":-1}`
	}
	// Large.
	return `{"records":[` + strings.Repeat("[1,2,3],", 20_000) + `[1,2,3]]`
}

func TestMalformedBodiesAreRefused(t *testing.T) {
	s := newServer(t, Config{Limits: Limits{Body: 1 << 17}})
	const seed, n = 11, 10_000
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	paths, bodies := examples(t)
	codes := map[int]int{}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		i := rng.IntN(len(paths))
		body := spoiled(rng, bodies[i])
		w := ask(s, "POST", paths[i], body)
		codes[w.Code]++
		if w.Code < 400 || w.Code >= 500 {
			t.Fatalf("POST %s %.200q: %d %s", paths[i], body, w.Code, w.Body)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%v; the heap grew by %d KiB", codes, grown>>10)
	if grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	for _, c := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge} {
		if codes[c] == 0 {
			t.Errorf("no body was answered with %d", c)
		}
	}
	if e := s.engine.Load(); e.solvers.order.Len() != 0 {
		t.Errorf("%d solvers were prepared", e.solvers.order.Len())
	}
}

func TestWhatCannotBeAnsweredIsSaid(t *testing.T) {
	s := newServer(t, Config{Limits: Limits{Records: 5, Samples: 100}})
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"sample", ``, 400, "the body is empty"},
		{"sample", `{"n":0}`, 422, "give 1 to 100"},
		{"sample", `{"n":101}`, 422, "give 1 to 100"},
		{"sample", `{"n":1.5}`, 400, "number 1.5"},
		{"sample", `{"seed":-1}`, 400, "number -1"},
		{"score", `{}`, 422, "there are no records"},
		{"score", `{"records":[null]}`, 400, "a record is a list"},
		{"score", `{"records":[[1,2]]}`, 422, "record 0 has 2 values, the model has 3 channels"},
		{"score", `{"records":[[1,2,null]]}`, 422, `no value of "flow"`},
		{"score", `{"records":[{"temperature":1,"pressure":2,"heat":3}]}`, 422, "a channel that the model has not"},
		{"score", `{"records":[[1,2,3],[1,2,3],[1,2,3],[1,2,3],[1,2,3],[1,2,3]]}`, 422, "send at most 5 at a time"},
		{"impute", `{"records":[[1,2,3],[null,null,null]]}`, 422, "record 1: it has no value at all"},
		{"impute", `{"records":[[1,null,3]],"method":"magic"}`, 422, "it is auto, sampling"},
		{"impute", `{"records":[[1,null,3]],"noise":0}`, 422, `"noise" is 0`},
		{"denoise", `{"records":[[1,2,3]]}`, 422, `there is no "noise"`},
		{"denoise", `{"records":[[1,2,3]],"noise":{"temperature":1}}`, 422, "no number for channel"},
		{"denoise", `{"records":[[1,2,3]],"noise":{"temperature":1,"pressure":1,"flow":-1}}`, 422, `"flow" is -1`},
		{"denoise", `{"records":[[1,2,3]],"noise":{"heat":1}}`, 422, `the channel "heat"`},
		{"recover", `{}`, 422, `"matrix" has 0 rows`},
		{"recover", `{"matrix":[[1,2]]}`, 422, "row 0"},
		{"recover", `{"matrix":[[1,2,3]],"noise":1}`, 422, `"measurements" has 0 lists`},
		{"recover", `{"matrix":[[1,2,3]],"measurements":[[1,2]],"noise":1}`, 422, "measurement 0 has 2 numbers"},
		{"recover", `{"matrix":[[1,2,3]],"measurements":[[1]]}`, 422, `"noise" must be`},
		{"recover", `{"matrix":[[1,2,3]],"measurements":[[1]],"noise":1,"units":"miles"}`, 422, `"units" is "miles"`},
		{"recover", `{"matrix":[[1e308,1e308,1e308]],"measurements":[[1]],"noise":1}`, 422, "row 0 of the matrix is out of range"},
		{"recover", `{"matrix":[[1,2,3]],"measurements":[[1e308]],"noise":1e-300}`, 422, "from 1e-30"},
		{"recover", `{"matrix":[[1,2,3]],"measurements":[[1e31]],"noise":1}`, 422, "the largest is"},
		{"deconvolve", `{"measurements":[[1,2,3]],"noise":1}`, 422, `give "kernel", or "taps"`},
		{"deconvolve", `{"measurements":[[1,2,3]],"noise":1,"kernel":[]}`, 422, "is empty"},
		{"deconvolve", `{"measurements":[[1,2,3]],"noise":1,"taps":4}`, 422, `"taps" is 4`},
		{"deconvolve", `{"measurements":[[1,2]],"noise":1,"taps":2}`, 422, "measurement 0 has 2 numbers"},
		{"nothing", `{}`, 404, "/v1/openapi.json lists"},
	} {
		if got := refused(t, s, "POST", "/v1/"+c.path, c.body, c.status); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q does not say %q", c.path, c.body, got, c.want)
		}
	}
}

func FuzzBodies(f *testing.F) {
	// Every worker makes the model anew, so it is a small one.
	small, err := newFixture(300, 32, 2)
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Config{Source: FromModel(small.models[0], small.spec), Prior: 200, Limits: Limits{Records: 3, Samples: 10, Cache: 1 << 20},
		scoring: score.Options{Records: 100, Calibration: 50, Steps: 2}})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Look(f.Context()); err != nil {
		f.Fatal(err)
	}
	paths, bodies := examples(f)
	for i, b := range bodies {
		f.Add(uint8(i), []byte(b))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path := paths[int(which)%len(paths)]
		w := ask(s, "POST", path, string(body))
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("POST %s %q: %d %s", path, body, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("POST %s %q: the answer %q is no JSON", path, body, w.Body)
		}
	})
}
