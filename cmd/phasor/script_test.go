package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"phasor/snapshot"
)

// seedFlag repeats what a test drew: go test ./cmd/phasor -run PipelineKeeps -seed 7.
var seedFlag = flag.Uint64("seed", 0, "draw from this seed")

// TestMain makes the test binary be the command phasor where it is started by that name.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"phasor": main}) }

// TestScripts runs the command line as users do, each script in an empty folder of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("no condition is called %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"records": cmdRecords, "damage": cmdDamage, "isjson": cmdIsJSON, "port": cmdPort, "terminate": cmdTerminate,
			"folded": cmdFolded, "published": cmdPublished, "exits": cmdExits, "first": cmdFirst, "produced": cmdProduced, "asks": cmdAsks,
		},
	})
}

// recordsBegin is the time of the first record of a test's file: 2026-03-02 00:00:00 UTC.
const recordsBegin = 1772409600000

// writeRecords writes n rows of time, temperature, pressure and flow, 100 ms apart. From the row change on, the
// temperature is 3 higher.
func writeRecords(path string, seed uint64, n, change int) error {
	rng := rand.New(rand.NewPCG(seed, 1))
	var csv, lines bytes.Buffer
	csv.WriteString("time,temperature,pressure,flow\n")
	for i := range n {
		ms := int64(recordsBegin + 100*i)
		temperature := rng.NormFloat64()
		if rng.IntN(3) == 0 {
			temperature += 5
		}
		if i >= change {
			temperature += 3
		}
		pressure, flow := 100+2*rng.NormFloat64(), math.Exp(rng.NormFloat64()/2)
		fmt.Fprintf(&csv, "%d,%.4f,%.4f,%.4f\n", ms, temperature, pressure, flow)
		fmt.Fprintf(&lines, "{\"time\":%d,\"temperature\":%.4f,\"pressure\":%.4f,\"flow\":%.4f}\n", ms, temperature, pressure, flow)
	}
	if filepath.Ext(path) == ".ndjson" {
		return os.WriteFile(path, lines.Bytes(), 0o644)
	}
	return os.WriteFile(path, csv.Bytes(), 0o644)
}

// cmdRecords is "records FILE SEED N [CHANGE]".
func cmdRecords(ts *testscript.TestScript, _ bool, args []string) {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	change := n
	if len(args) > 3 {
		change, err = strconv.Atoi(args[3])
		ts.Check(err)
	}
	ts.Check(writeRecords(ts.MkAbs(args[0]), seed, n, change))
}

// cmdDamage is "damage FROM TO flip|cut": one bit changed in the middle, or the second half missing.
func cmdDamage(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	switch args[2] {
	case "flip":
		b[len(b)/2] ^= 4
	case "cut":
		b = b[:len(b)/2]
	default:
		ts.Fatalf("damage: %q is neither flip nor cut", args[2])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o644))
}

// cmdIsJSON is "isjson FILE KEY…": each line is one JSON value; as an object it has all the keys, and KEY=VALUE the value.
func cmdIsJSON(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	for line := range strings.Lines(text) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			ts.Fatalf("%q is no JSON: %v", line, err)
		}
		for _, key := range args[1:] {
			key, want, exact := strings.Cut(key, "=")
			m, _ := v.(map[string]any)
			have, ok := m[key]
			if b, _ := json.Marshal(have); !ok || exact && string(b) != want {
				ts.Fatalf("%s is %s in %s, want %s", key, b, line, want)
			}
		}
	}
	if text == "" {
		ts.Fatalf("%s is empty", args[0])
	}
}

// cmdPort is "port NAME…": each variable gets the number of a port that is free.
func cmdPort(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close()
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
}

// cmdTerminate sends SIGTERM to all commands in the background.
func cmdTerminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// cmdExits is "exits CODE COMMAND ARG…". Both outputs are in the files stdout.txt and stderr.txt as well.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), []byte(ts.ReadFile("stdout")), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(ts.ReadFile("stderr")), 0o644))
	code := 0
	if err != nil {
		x, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		code = x.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%v: exit code %d, want %s", args[1:], code, args[0])
	}
	if s := ts.ReadFile("stderr"); strings.Contains(s, "goroutine ") || strings.Contains(s, "panic") {
		ts.Fatalf("%v: panicked", args[1:])
	}
}

// cmdFirst is "first NAME PATTERN": the variable gets the first file, by its name, that the pattern fits.
func cmdFirst(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("no file fits %s", args[1])
	}
	ts.Setenv(args[0], names[0])
}

// patience is how long a script waits for what another process does.
const patience = 30 * time.Second

func await(ts *testscript.TestScript, what string, f func(context.Context) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !f(ctx) {
		select {
		case <-ctx.Done():
			ts.Fatalf("waited %v for %s", patience, what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// epochOf opens the newest epoch of a store, or returns nil.
func epochOf(ctx context.Context, ts *testscript.TestScript, store, name string) *snapshot.Epoch {
	b, err := openExisting(ctx, ts.MkAbs(store))
	if err != nil {
		return nil
	}
	e, err := snapshot.Open(b, name).LatestSpec(ctx)
	if err != nil {
		return nil
	}
	return e
}

// cmdFolded is "folded STORE SKETCH N": waits until the newest states hold N records.
func cmdFolded(ts *testscript.TestScript, _ bool, args []string) {
	var have int64
	await(ts, args[2]+" records in the states", func(ctx context.Context) bool {
		e := epochOf(ctx, ts, args[0], args[1])
		if e == nil {
			return false
		}
		states, err := e.LoadStates(ctx)
		if err != nil {
			return false
		}
		a, err := snapshot.MergeStates(states)
		if err != nil || a == nil {
			return false
		}
		have = a.Count()
		return strconv.FormatInt(have, 10) == args[2]
	})
}

// cmdPublished is "published STORE SKETCH VERSION": waits until a version of at least this number is served.
func cmdPublished(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	await(ts, "version "+args[2], func(ctx context.Context) bool {
		e := epochOf(ctx, ts, args[0], args[1])
		if e == nil {
			return false
		}
		g, err := e.Current(ctx)
		return err == nil && g.Version >= want
	})
}

// cmdProduced is "produced BROKER TOPIC FILE": waits for the broker, and writes the file's records with their own times.
func cmdProduced(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, "the broker", func(context.Context) bool {
		c, err := net.DialTimeout("tcp", args[0], time.Second)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	ts.Check(ts.Exec("phasor", "produce", "--brokers", args[0], "--topic", args[1], "--source", "csv:"+args[2], "--keep-times"))
}
