package file_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"phasor/snapshot/bucket/file"
)

const crashDir = "PHASOR_TEST_CRASH_DIR"

// TestMain is also the program that TestCrash kills: it replaces one object and
// creates others, all of one byte repeated, until it dies.
func TestMain(m *testing.M) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	b, err := file.Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx := context.Background()
	for i := 0; ; i++ {
		data := bytes.Repeat([]byte{byte('a' + i%26)}, 50_000)
		for _, err := range []error{b.Put(ctx, "put/x", data), b.Create(ctx, fmt.Sprintf("create/%d.%d", os.Getpid(), i), data)} {
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		if i == 0 {
			fmt.Println("writing")
		}
	}
}

func TestCrash(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	for round := range 8 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("writing"))); err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		time.Sleep(time.Duration(r.IntN(20_000)) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if stderr.Len() > 0 {
			t.Fatal(stderr.String())
		}

		b := open(t, dir)
		objects, err := b.List(t.Context(), "")
		if err != nil || len(objects) < round+2 {
			t.Fatalf("%d objects, %v", len(objects), err)
		}
		for _, o := range objects {
			data, err := b.Get(t.Context(), o.Name)
			if err != nil || len(data) != 50_000 || bytes.Count(data, data[:1]) != len(data) {
				t.Errorf("round %d: %s holds %d bytes, %v", round, o.Name, len(data), err)
			}
		}
	}
}
