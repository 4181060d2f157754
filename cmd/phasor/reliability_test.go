package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReliabilityNamesTests: every test that the README's section on reliability names is there.
func TestReliabilityNamesTests(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(readme), "\n## Reliability\n")
	if !ok {
		t.Fatal("README.md has no section on reliability")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	have := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir(filepath.Join("..", ".."), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(b, -1) {
			have[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(section, -1)
	if len(named) < 60 {
		t.Errorf("the section names %d tests", len(named))
	}
	for _, m := range named {
		if !have[m[1]] {
			t.Errorf("README.md names %s, and there is no such test", m[1])
		}
	}
	// A row of the table without a test is a promise without one.
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| fault ") && !testName.MatchString(line) {
			t.Errorf("this row names no test: %s", line)
		}
	}
}

var testName = regexp.MustCompile("`(Test|Fuzz)\\w+`")
