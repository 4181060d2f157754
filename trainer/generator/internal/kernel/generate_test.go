package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The assembly that is checked in is what the generator writes. The test needs
// PHASOR_LONG=1, since it may have to download the generator's module.
func TestAssemblyIsGenerated(t *testing.T) {
	if os.Getenv("PHASOR_LONG") == "" {
		t.Skip("PHASOR_LONG is not set")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "generate")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "_generate"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"kernel_amd64.s", "stubs_amd64.go"} {
		flag := "-out"
		if filepath.Ext(name) == ".go" {
			flag = "-stubs"
		}
		fresh := filepath.Join(dir, name)
		if out, err := exec.Command(program, flag, fresh, "-pkg", "kernel").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want, err := os.ReadFile(fresh)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body(got), body(want)) {
			t.Errorf("%s is not what _generate writes: run the command in _generate/main.go", name)
		}
	}
}

// body leaves out the first line, which tells how the file was written.
func body(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }
