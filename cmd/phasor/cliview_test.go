package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// said runs the program in this process and returns its standard output.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var out, log bytes.Buffer
	if err := run(t.Context(), args, strings.NewReader(""), &out, &log); err != nil {
		t.Fatalf("%q: %v %s", args, err, log.String())
	}
	return out.String()
}

// Every command explains itself with examples, by --help and by help, and the examples name only flags that there are.
func TestEveryCommandHasExamples(t *testing.T) {
	root, err := viewCLI()
	if err != nil {
		t.Fatal(err)
	}
	all := root.all()[1:]
	if len(all) < 30 {
		t.Fatalf("%d commands", len(all))
	}
	flags := map[string][]string{}
	for _, c := range all {
		flags[c.Path] = c.words()
		for _, f := range c.Flags {
			for _, a := range f.Aliases {
				flags[c.Path] = append(flags[c.Path], "--"+a)
			}
		}
	}
	for _, c := range all {
		words := strings.Fields(c.Path)[1:]
		help := said(t, append(slices.Clone(words), "--help")...)
		if other := said(t, append([]string{"help"}, words...)...); other != help {
			t.Errorf("%s: help says\n%s\nand --help\n%s", c.Path, other, help)
		}
		_, examples, ok := strings.Cut(help, "Example")
		if !ok || !strings.Contains(examples, "  phasor "+words[0]) {
			t.Errorf("%s --help has no examples", c.Path)
			continue
		}
		for line := range strings.Lines(examples) {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "phasor ") {
				continue
			}
			line, _, _ = strings.Cut(line, "       ") // A remark.
			path := "phasor"
			for _, w := range strings.Fields(line)[1:] {
				if flags[path+" "+w] != nil {
					path += " " + w
				}
				if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(name, "--") && !slices.Contains(flags[path], name) {
					t.Errorf("%s --help: an example gives %s, which %s does not know", c.Path, name, path)
				}
			}
		}
	}
}

func TestHelpOfNoCommand(t *testing.T) {
	if top := said(t, "help"); !strings.Contains(top, "Usage: phasor") {
		t.Errorf("%s", top)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"help", "models", "frobnicate"}, strings.NewReader(""), &out, &out); exitCode(err) != 2 || !strings.Contains(out.String(), `no command "models frobnicate"`) {
		t.Errorf("%v %s", err, out.String())
	}
}

func TestVersionSaysHowItWasBuilt(t *testing.T) {
	var v map[string]any
	if err := json.Unmarshal([]byte(said(t, "version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "revision", "dirty", "go", "platform", "level", "kernel", "kernels"} {
		if v[key] == nil {
			t.Errorf("no %s in %v", key, v)
		}
	}
	if text := said(t, "version"); !strings.Contains(text, "compiled for") || !strings.Contains(text, "kernel") {
		t.Errorf("%s", text)
	}
	b := build{Revision: "0123abcd"}
	b.take([]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "vcs.time", Value: "2026-03-02T00:00:00Z"}, {Key: "GOAMD64", Value: "v3"}, {Key: "-tags", Value: "cloud"}, {Key: "-x", Value: "y"}})
	if want := (build{Revision: "0123abcd", Dirty: true, Committed: "2026-03-02T00:00:00Z", Level: "GOAMD64=v3", Tags: "cloud"}); b != want || b.revision() != "0123abcd and changes" || buildDay(b) != "2026-03-02" {
		t.Errorf("%+v", b)
	}
}

func TestManualPage(t *testing.T) {
	page := said(t, "man")
	root, err := viewCLI()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range root.all()[1:] {
		if !strings.Contains(page, ".SS \""+strings.ReplaceAll(c.Path, "-", `\-`)+" ") {
			t.Errorf("%s is not in the manual", c.Path)
		}
		for _, f := range c.Flags {
			if !strings.Contains(page, strings.ReplaceAll("--"+f.Name, "-", `\-`)) {
				t.Errorf("--%s of %s is not in the manual", f.Name, c.Path)
			}
		}
	}
	name := filepath.Join(t.TempDir(), "phasor.1")
	if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	lint := []string{"mandoc", "-T", "lint", "-W", "warning", name}
	if _, err := exec.LookPath("mandoc"); err != nil {
		if _, err := exec.LookPath("groff"); err != nil {
			t.Skip("neither mandoc nor groff is installed")
		}
		lint = []string{"groff", "-man", "-Tutf8", "-ww", "-z", name}
	}
	if out, err := exec.Command(lint[0], lint[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v %s", err, out)
	}
}

// Text cannot become a request of the page.
func TestManualEscapes(t *testing.T) {
	r := &roff{}
	r.filled(`.so /etc/passwd \fB 'x' --flag`)
	if s := r.String(); s != `\&.so /etc/passwd \efB \(aqx\(aq \-\-flag`+"\n" {
		t.Errorf("%q", s)
	}
}
