package safetensors_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"phasor/snapshot/safetensors"
)

// listing prints what the stock library reads: the metadata, and each tensor's
// type, shape and bytes.
const listing = `
import base64, json, sys
import numpy
from safetensors import safe_open
from safetensors.numpy import load_file
out = {"tensors": {}}
with safe_open(sys.argv[1], "numpy") as f:
    out["metadata"] = f.metadata()
for name, x in load_file(sys.argv[1]).items():
    out["tensors"][name] = {"dtype": x.dtype.str, "shape": x.shape, "data": base64.b64encode(x.tobytes()).decode()}
json.dump(out, sys.stdout)
`

// TestPython reads the golden file with Python's stock library: the one that
// PHASOR_PYTHON has, else that of python3.
func TestPython(t *testing.T) {
	python := cmp.Or(os.Getenv("PHASOR_PYTHON"), "python3")
	if out, err := exec.Command(python, "-c", "import numpy, safetensors.numpy").CombinedOutput(); err != nil {
		t.Skipf("no Python with numpy and safetensors (name one in PHASOR_PYTHON): %v %s", err, bytes.TrimSpace(out))
	}
	b := encode(t, sample())
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", listing, path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		DType string
		Shape []int
		Data  string
	}
	var found struct {
		Metadata map[string]string
		Tensors  map[string]entry
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := safetensors.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(f.Metadata, found.Metadata); d != "" {
		t.Error(d)
	}
	numpy := map[safetensors.DType]string{safetensors.F64: "<f8", safetensors.I64: "<i8", safetensors.F32: "<f4", safetensors.I32: "<i4", safetensors.U8: "|u1"}
	want := map[string]entry{}
	for _, x := range f.Tensors {
		want[x.Name] = entry{numpy[x.DType], x.Shape, base64.StdEncoding.EncodeToString(x.Data)}
	}
	if d := diff.Diff(want, found.Tensors); d != "" {
		t.Error(d)
	}
}
