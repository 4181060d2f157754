package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

// hdfsLines writes lines as Hadoop's file system does.
func hdfsLines(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	at := time.Date(2008, 11, 9, 20, 36, 15, 0, time.UTC)
	var b bytes.Buffer
	for range n {
		at = at.Add(time.Duration(rng.IntN(20)) * time.Second)
		block := rng.Int64()
		ip := fmt.Sprintf("10.251.%d.%d", rng.IntN(250), rng.IntN(250))
		fmt.Fprintf(&b, "%s %d ", at.Format("060102 150405"), rng.IntN(3000))
		switch rng.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "INFO dfs.DataNode$PacketResponder: PacketResponder %d for block blk_%d terminating\n", rng.IntN(3), block)
		case 1:
			fmt.Fprintf(&b, "INFO dfs.DataNode$PacketResponder: Received block blk_%d of size %d from /%s\n", block, 3<<20+rng.IntN(64<<20), ip)
		case 2:
			fmt.Fprintf(&b, "INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: %s:50010 is added to blk_%d size 67108864\n", ip, block)
		default:
			fmt.Fprintf(&b, "WARN dfs.DataNode$DataXceiver: %s:50010:Got exception while serving blk_%d to /%s:\n", ip, block, ip)
		}
	}
	return b.Bytes()
}

// Lines of logs, in a file and on the embedded Kafka, become the same integers and a model.
func TestLogsBecomeModels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ example, topic, system string }{
		{"log-hdfs.yaml", "hdfs", ""}, {"log-hdfs.yaml", "hdfs", "HDFS"}, {"log-openssh.yaml", "sshd", "OpenSSH"}, {"log-bgl.yaml", "bgl", "BGL"},
	} {
		name := c.system
		if name == "" {
			name = "synthetic"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "lines.log")
			if c.system == "" {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				if err := os.WriteFile(file, hdfsLines(seed, 2000), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				file = filepath.Join("..", "..", "..", "shared", "data", "loghub", c.system, c.system+"_2k.log")
				if _, err := os.Stat(file); err != nil {
					t.Skip("shared data absent")
				}
			}
			logsBecomeModels(t, filepath.Join("..", "..", "deploy", "examples", c.example), c.topic, file)
		})
	}
}

const logLines = 2000

func logsBecomeModels(t *testing.T, config, topic, file string) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }

	// From the file.
	phasor(t, "calibrate", "--config", config, "--input", file, "--features", "64", "--out", at("spec"))
	_, log := phasor(t, "sketch", "--config", config, "--spec", at("spec"), "--input", file, "--out", at("sketch"))
	if !strings.Contains(log, fmt.Sprintf("%d records in", logLines)) || !strings.Contains(log, " 0 rejected") {
		t.Errorf("sketch says %s", log)
	}
	phasor(t, "fit", "--spec", at("spec"), "--sketch", at("sketch"), "--steps", "50", "--out", at("model"))
	out, _ := phasor(t, "score", "--config", config, "--spec", at("spec"), "--model", at("model"), "--input", file, "--no-header")
	if n := strings.Count(out, "\n"); n != logLines {
		t.Errorf("%d lines are scored", n)
	}

	// From Kafka.
	broker, _ := startRun(t, "--config", config, "--store", at("store"), "--calibrate.pilot", "1500")
	ctx := t.Context()
	e := &env{ctx: ctx, log: slog.New(slog.DiscardHandler)}
	phasor(t, "produce", "--brokers", broker, "--topic", topic, "--source", "log:"+file)
	var folded *sketch.Accumulator
	var spec []byte
	within(t, "all lines in the sketch", func() bool {
		err := openEpoch(e, at("store"), topic, func(ep *snapshot.Epoch) error {
			states, err := ep.LoadStates(ctx)
			if err != nil {
				return err
			}
			if folded, err = snapshot.MergeStates(states); err != nil {
				return err
			}
			spec, err = ep.Spec().Encode()
			return err
		})
		return err == nil && folded != nil && folded.Count() == logLines
	})
	within(t, "a model", func() bool {
		err := openEpoch(e, at("store"), topic, func(ep *snapshot.Epoch) error {
			_, _, err := ep.LoadCurrent(ctx)
			return err
		})
		return err == nil
	})
	if out, _ := phasor(t, "sample", "--store", at("store"), "--name", topic, "--n", "3"); strings.Count(out, "\n") < 3 {
		t.Errorf("three samples are %q", out)
	}

	// The file gives the integers of the stream.
	if err := os.WriteFile(at("spec2"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	phasor(t, "sketch", "--config", config, "--spec", at("spec2"), "--input", file, "--out", at("sketch2"))
	want, err := folded.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, at("sketch2")), want) {
		t.Error("file and stream give different sketches")
	}
}

// within waits for a condition.
func within(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited two minutes for %s", what)
		}
	}
}

// freePort is a port that nobody listens at.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startRun runs "phasor run" on an embedded Kafka, in short intervals, until the test ends or the function is called that
// returns its log.
func startRun(t *testing.T, args ...string) (broker string, end func() string) {
	t.Helper()
	port := fmt.Sprint(freePort(t))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var running bytes.Buffer
	go func() {
		done <- run(ctx, append([]string{"run", "--listen", "127.0.0.1:0", "--embedded.port", port, "--embedded.partitions", "1",
			"--snapshot.interval", "100ms", "--idle.timeout", "1s", "--calibrate.features", "64", "--calibrate.timeout", "2s",
			"--fit.every", "500ms", "--fit.budget", "500ms", "--drift.reference", "1h"}, args...), strings.NewReader(""), &bytes.Buffer{}, &running)
	}()
	end = sync.OnceValue(func() string {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v\n%s", err, running.String())
		}
		return running.String()
	})
	t.Cleanup(func() { end() })
	broker = net.JoinHostPort("127.0.0.1", port)
	within(t, "the broker", func() bool {
		c, err := net.DialTimeout("tcp", broker, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return broker, end
}
