package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page for contributors names every package, and nothing that is not there: files, tests, commands.
func TestContributingNamesWhatThereIs(t *testing.T) {
	root := filepath.Join("..", "..")
	b, err := os.ReadFile(filepath.Join(root, ".github", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| \\S").FindAllStringSubmatch(page, -1) {
		if listed[m[1]] {
			t.Errorf("%s stands twice in the map", m[1])
		}
		listed[m[1]] = true
	}
	packages, functions := map[string]bool{}, map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if n := e.Name(); path != root && (strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_") || n == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		packages[filepath.ToSlash(rel)] = true
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(b, -1) {
			functions[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 30 {
		t.Fatalf("%d packages: the test does not see the module", len(packages))
	}
	for p := range packages {
		if !listed[p] {
			t.Errorf("package %s is not in the map of .github/CONTRIBUTING.md", p)
		}
	}
	for p := range listed {
		if !packages[p] {
			t.Errorf(".github/CONTRIBUTING.md has a package %s, which is not there", p)
		}
	}
	for _, m := range regexp.MustCompile("`([^`\\s]+)`").FindAllStringSubmatch(page, -1) {
		switch name := m[1]; {
		case strings.Contains(name, "/"):
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
				t.Errorf(".github/CONTRIBUTING.md names %s: %v", name, err)
			}
		case strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz"):
			if !functions[name] {
				t.Errorf(".github/CONTRIBUTING.md names %s, and there is no such test", name)
			}
		}
	}
	for _, script := range regexp.MustCompile(`(?m)^(\.ci/\w+)`).FindAllString(page, -1) {
		if info, err := os.Stat(filepath.Join(root, script)); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run: %v", script, err)
		}
	}
}

// The changelog has the sections that Keep a Changelog knows, each with entries.
func TestChangelogKeepsItsForm(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", ".github", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	version := regexp.MustCompile(`^\[(Unreleased|\d+\.\d+\.\d+)\](: \d+\.\d+\.\d+| - \d{4}-\d{2}-\d{2})$`)
	versions := strings.Split(string(b), "\n## ")[1:]
	if len(versions) == 0 {
		t.Fatal("no version")
	}
	for _, v := range versions {
		title, body, _ := strings.Cut(v, "\n")
		if !version.MatchString(title) {
			t.Errorf("the version %q is not of the form", title)
		}
		for _, section := range strings.Split(body, "\n### ")[1:] {
			name, text, _ := strings.Cut(section, "\n")
			if !slices.Contains(known, name) || !strings.Contains(text, "\n- ") {
				t.Errorf("%s: the section %q is unknown or empty", title, name)
			}
		}
	}
}
