package mac_test

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPython reads signed objects with Python's stock libraries: those of PHASOR_PYTHON, else of python3.
func TestPython(t *testing.T) {
	k, all := keys(t, first), examples(t)
	for name, program := range map[string]string{
		"safetensors": `
from safetensors import safe_open
from safetensors.numpy import load_file
with safe_open(sys.argv[1], "numpy") as f:
    m = f.metadata()
x = load_file(sys.argv[1])
print(len(m["hmac.sha256"]), m["format"], x["next"].tolist(), x["sums"].tolist())`,
		"onnx": `
import onnx
m = onnx.ModelProto()
m.ParseFromString(open(sys.argv[1], "rb").read())
print(m.ir_version, m.producer_name)`,
		"indented": `
import json
m = json.load(open(sys.argv[1]))
print(len(m["hmac.sha256"]), m["records"])`,
	} {
		t.Run(name, func(t *testing.T) {
			python := cmp.Or(os.Getenv("PHASOR_PYTHON"), "python3")
			needs := map[string]string{"safetensors": "numpy, safetensors.numpy", "onnx": "onnx", "indented": "json"}[name]
			if out, err := exec.CommandContext(t.Context(), python, "-c", "import "+needs).CombinedOutput(); err != nil {
				t.Skipf("no Python with %s (name one in PHASOR_PYTHON): %v %s", needs, err, bytes.TrimSpace(out))
			}
			path := filepath.Join(t.TempDir(), name)
			must(t, os.WriteFile(path, k.Sign("x", all[name]), 0o600))
			out, err := exec.CommandContext(t.Context(), python, "-c", "import sys\n"+program, path).CombinedOutput()
			want := map[string]string{"safetensors": "71 phasor.state/1 [42] [[1, 2], [3, 4]]", "onnx": "8 phasor", "indented": "71 12"}[name]
			if err != nil || strings.TrimSpace(string(out)) != want {
				t.Errorf("%v: %s, wanted %s", err, out, want)
			}
		})
	}
}
