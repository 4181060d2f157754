//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"phasor/snapshot"
	"phasor/stream/embedded"
)

// newEmbeddedPromise is a promise on an embedded broker, with fixed partitions.
func newEmbeddedPromise(t *testing.T, c embedded.Config) *promise {
	t.Helper()
	c.Topics = map[string]int{promiseTopic: promisePartitions}
	b, err := embedded.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return newPromise(t, b.Addrs(), false)
}

// edit replaces a text of the configuration.
func (p *promise) edit(old, replacement string) {
	p.t.Helper()
	b, err := os.ReadFile(p.path("phasor.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		p.t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(p.path("phasor.yaml"), []byte(strings.Replace(string(b), old, replacement, 1)), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// get asks a process for one of its pages.
func (s *sketcherProcess) get(path string) (status int, body string) {
	t := s.p.t
	t.Helper()
	var address string
	s.p.wait("the process listens", func() bool {
		b, err := os.ReadFile(s.log)
		if m := pageAddress.FindSubmatch(b); err == nil && m != nil {
			address = string(m[1])
		}
		return address != ""
	}, s)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(address, "/")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.p.password != "" {
		q.SetBasicAuth(webUser, s.p.password)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// ends waits until a process has ended by itself, which must be with exit code 1, and returns its log.
func (s *sketcherProcess) ends() string {
	t := s.p.t
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(s.p.patient):
		t.Fatal("the process goes on")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	b, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// damage flips a bit of the newest state of each partition, or of all, and returns their names.
func (p *promise) damage(all bool) (names []string) {
	p.t.Helper()
	e, err := p.store.LatestSpec(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	refs, err := e.ListStates(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, r := range refs {
		if seen[r.Partition] && !all {
			continue
		}
		seen[r.Partition] = true
		name := fmt.Sprintf("%s/%04d/state/%s.%s/%d/%020d", promiseTopic, e.Number, r.Topic, r.TopicID, r.Partition, r.Next)
		b, err := p.bucket.Get(p.t.Context(), name)
		if err != nil {
			p.t.Fatal(err)
		}
		b[p.rng.IntN(len(b))] ^= 1 << p.rng.IntN(8)
		if err := p.bucket.Put(p.t.Context(), name, b); err != nil {
			p.t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// The next older state is used where the newest is corrupt, which is counted and reported; where all are corrupt the
// process refuses to start, with the objects' names and the way out.
func TestCorruptStates(t *testing.T) {
	p := newEmbeddedPromise(t, embedded.Config{})
	p.damaged = true
	s := p.start()
	p.progress(true, s)
	p.progress(true, s)
	p.finish(s)
	p.verify()
	names := p.damage(false)
	s = p.start()
	p.wait("every partition is whole again", func() bool { return p.valid(names) }, s)
	counted := fmt.Sprintf("phasor_sketcher_restore_total{result=\"corrupt_fallback\"} %d\n", promisePartitions)
	if _, metrics := s.get("/metrics"); !strings.Contains(metrics, counted) {
		t.Errorf("the metrics do not hold %s", counted)
	}
	s.terminate()
	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(log), name) {
			t.Errorf("the log does not name %s", name)
		}
	}
	p.verify()

	before := p.objects()
	names = p.damage(true)
	said := p.start().ends()
	for _, want := range []string{"every object is corrupt", "restore one of them from a backup", "move all of them out of the store"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	named := 0
	for _, name := range names {
		if strings.Contains(said, name) {
			named++
		}
	}
	if named == 0 {
		t.Errorf("it names none of %q", names)
	}
	for name := range before {
		if !p.objects()[name] {
			t.Errorf("%s is gone", name)
		}
	}
}

// valid reports whether each of the objects was written anew.
func (p *promise) valid(names []string) bool {
	for _, name := range names {
		b, err := p.bucket.Get(p.t.Context(), name)
		if err != nil {
			return false
		}
		if _, err := snapshot.DecodeState(b); err != nil {
			return false
		}
	}
	return true
}

// A folder that cannot be written to for a while makes the process unready, not dead; nothing is lost. The sketch's
// folder is taken away and a file put in its place, which stops root too.
func TestStoreThatIsTakenAway(t *testing.T) {
	p := newEmbeddedPromise(t, embedded.Config{})
	s := p.start()
	p.progress(true, s)
	p.wait("ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK }, s)
	folder, away := filepath.Join(p.dir, "store", promiseTopic), filepath.Join(p.dir, "away")
	// A file of the same name takes the place of the folder, once no save comes between.
	p.wait("the folder to be away", func() bool {
		if err := os.Rename(folder, away); err != nil {
			return false
		}
		if err := os.WriteFile(folder, nil, 0o644); err == nil {
			return true
		}
		if err := os.RemoveAll(folder); err != nil { // A save made it again: what it wrote is lost with it.
			t.Fatal(err)
		}
		return os.WriteFile(folder, nil, 0o644) == nil
	}, s)
	var said string
	p.wait("unready", func() bool {
		code, body := s.get("/readyz")
		said = body
		return code == http.StatusServiceUnavailable
	}, s)
	if !strings.Contains(said, "look at the store") {
		t.Errorf("/readyz says %q", said)
	}
	if code, body := s.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez: %d %s", code, body)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, folder); err != nil {
		t.Fatal(err)
	}
	p.progress(true, s)
	p.wait("ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK }, s)
	p.finish(s)
	p.verify()
}

// Two processes that own the same partitions say the same.
func TestTwoProcessesOnTheSamePartitions(t *testing.T) {
	p := newEmbeddedPromise(t, embedded.Config{})
	a, b := p.start(), p.start()
	p.progress(true, a, b)
	a.signal(syscall.SIGSTOP)
	p.progress(true, b)
	a.signal(syscall.SIGCONT)
	p.progress(true, a, b)
	b.kill()
	p.finish(a)
	p.verify()
}
