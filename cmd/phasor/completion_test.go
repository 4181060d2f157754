package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completions of a line: those that must be offered, and one that must not.
var completions = []struct {
	line string
	want []string
	not  string
}{
	{"phasor ", []string{"calibrate", "config", "completion", "doctor", "run"}, "promote"},
	{"phasor cal", []string{"calibrate"}, "run"},
	{"phasor models ", []string{"list", "show", "promote", "roll-back"}, "run"},
	{"phasor models pro", []string{"promote"}, "list"},
	{"phasor run --kafka.b", []string{"--kafka.brokers"}, "--fit.every"},
	{"phasor config print --fit.", []string{"--fit.every", "--fit.budget"}, "--kafka.brokers"},
	{"phasor calibrate --format ", []string{"auto", "csv", "json", "ndjson", "log"}, "run"},
	{"phasor calibrate --format nd", []string{"ndjson"}, "csv"},
	{"phasor completion ", []string{"bash", "zsh", "fish"}, "run"},
	{"phasor help mod", []string{"models"}, "run"},
	{"phasor --log.level debug drift --le", []string{"--level"}, "--a"},
}

func shell(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: %v", name, err)
	}
}

// offered checks what a shell offers for every line.
func offered(t *testing.T, ask func(line string) []string) {
	t.Helper()
	for _, c := range completions {
		have := ask(c.line)
		for _, w := range c.want {
			if !slices.Contains(have, w) {
				t.Errorf("%q: %q is not among %q", c.line, w, have)
			}
		}
		if slices.Contains(have, c.not) {
			t.Errorf("%q: %q is among %q", c.line, c.not, have)
		}
	}
}

func scriptOf(t *testing.T, shell string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(name, []byte(said(t, "completion", shell)), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBashCompletes(t *testing.T) {
	shell(t, "bash")
	script := scriptOf(t, "bash")
	ask := func(dir, line string) []string {
		cmd := exec.Command("bash", "--norc", "-c", `source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
IFS=' ' read -ra COMP_WORDS <<<"$2"
[[ $2 != *' ' ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_phasor
printf '%s\n' "${COMPREPLY[@]}"`, "bash", script, line)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v %s", line, err, out)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	offered(t, func(line string) []string { return ask(t.TempDir(), line) })
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "phasor.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"phasor run --config ph", "phasor config check ph", "phasor config check ", "phasor run --config = ph"} {
		if have := ask(dir, line); !slices.Contains(have, "phasor.yaml") {
			t.Errorf("%q: the file is not among %q", line, have)
		}
	}
	if have := ask(dir, "phasor run --kafka.group "); slices.Contains(have, "phasor.yaml") || slices.Contains(have, "run") {
		t.Errorf("a group is completed by %q", have)
	}
}

func TestZshCompletes(t *testing.T) {
	shell(t, "zsh")
	script := scriptOf(t, "zsh")
	if out, err := exec.Command("zsh", "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	// The widgets of zsh need a terminal: here the function meets a stand-in for what shows the choices.
	offered(t, func(line string) []string {
		out, err := exec.Command("zsh", "-f", "-c", `compdef() { :; }
_describe() { local name=$2; [[ $1 == -* ]] && name=$3; print -rl -- "${(@P)name}"; }
_files() { :; }
source "$1"
words=("${(@s: :)2}") CURRENT=${#words}
_phasor`, "zsh", script, line).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v %s", line, err, out)
		}
		var have []string
		last := line[strings.LastIndexByte(line, ' ')+1:]
		for l := range strings.Lines(string(out)) {
			if name, _, _ := strings.Cut(strings.TrimSpace(l), ":"); strings.HasPrefix(name, last) {
				have = append(have, name)
			}
		}
		return have
	})
}

func TestFishCompletes(t *testing.T) {
	shell(t, "fish")
	script := scriptOf(t, "fish")
	offered(t, func(line string) []string {
		cmd := exec.Command("fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v %s", line, err, out)
		}
		var have []string
		for l := range strings.Lines(string(out)) {
			name, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
			have = append(have, name)
		}
		return have
	})
}
