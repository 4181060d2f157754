package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists the packages from the top of the import order to the bottom. Packages of one line may import each other.
// A package that is not listed belongs to the nearest listed one above it in the tree.
var layers = [][]string{
	{"cmd/phasor"},
	{"metrics/status"},
	{"metrics"},
	{"trainer/serve"},
	{"trainer"},
	{"trainer/inverse", "trainer/mixture", "trainer/score", "trainer/onnx"},
	{"trainer/generator"},
	{"sketcher"},
	{"stream/kafka"},
	{"stream/embedded", "stream/replay"},
	{"stream/decode"},
	{"stream"},
	{"snapshot"},
	{"sketcher/drift"},
	{"sketcher/sketch"},
	{"sketcher/feature"},
	{"snapshot/bucket"},
	{"snapshot/safetensors"},
}

// pure packages compute and do nothing else.
var pure = []string{"sketcher/feature", "sketcher/sketch", "sketcher/drift", "trainer/generator", "trainer/inverse", "trainer/mixture", "trainer/score", "trainer/onnx"}

var impure = []string{"context", "time", "os", "os/exec", "net", "net/http", "log", "log/slog", "github.com/segmentio/kafka-go", "github.com/prometheus/client_golang/prometheus"}

// mayAsk holds the one file of a pure package that may read the environment: the choice of the kernel.
const mayAsk = "sketcher/feature/internal/kernel/dispatch"

func layerOf(pkg string) int {
	for pkg != "." {
		for i, l := range layers {
			if slices.Contains(l, pkg) {
				return i
			}
		}
		pkg = path.Dir(pkg)
	}
	return -1
}

type goFile struct {
	path, pkg string // Both relative to the module's root, slash separated.
	imports   []string
}

func goFiles(t *testing.T, root string) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if p != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		g := goFile{path: rel, pkg: path.Dir(rel)}
		for _, im := range f.Imports {
			s, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			g.imports = append(g.imports, s)
		}
		files = append(files, g)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImportsPointDown(t *testing.T) {
	files := goFiles(t, filepath.Join("..", ".."))
	if len(files) < 20 {
		t.Fatalf("found %d Go files: the test does not see the module", len(files))
	}
	for _, f := range files {
		from := layerOf(f.pkg)
		if from < 0 {
			t.Errorf("%s: package %s has no place in the import order", f.path, f.pkg)
			continue
		}
		for _, im := range f.imports {
			to, ok := strings.CutPrefix(im, "phasor/")
			if !ok {
				continue
			}
			if l := layerOf(to); l < from {
				t.Errorf("%s imports %s, which stands above it", f.path, im)
			}
		}
	}
}

func TestPurePackagesOnlyCompute(t *testing.T) {
	for _, f := range goFiles(t, filepath.Join("..", "..")) {
		if !slices.ContainsFunc(pure, func(p string) bool { return f.pkg == p || strings.HasPrefix(f.pkg, p+"/") }) {
			continue
		}
		for _, im := range f.imports {
			if slices.Contains(impure, im) && !(im == "os" && strings.HasPrefix(f.path, mayAsk)) {
				t.Errorf("%s imports %s: %s computes and does nothing else", f.path, im, f.pkg)
			}
		}
	}
}

func TestOnlyOnePackageSpeaksKafkaGo(t *testing.T) {
	for _, f := range goFiles(t, filepath.Join("..", "..")) {
		for _, im := range f.imports {
			if strings.HasPrefix(im, "github.com/segmentio/kafka-go") && f.pkg != "stream/kafka" && !strings.HasPrefix(f.pkg, "stream/kafka/") {
				t.Errorf("%s imports %s: only stream/kafka does", f.path, im)
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	want := []string{"LICENSE", "README.md", "cmd", "deploy", "go.mod", "go.sum", "metrics", "sketcher", "snapshot", "stream", "trainer"}
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n := e.Name()
		if strings.HasPrefix(n, ".") || n == "phasor" {
			continue
		}
		if !slices.Contains(want, n) {
			t.Errorf("%s stands at the top level; only %v may", n, want)
		}
	}
}
