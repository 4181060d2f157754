package embedded_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"phasor/stream/embedded"
)

const crashDir = "PHASOR_TEST_CRASH_DIR"

// TestMain is also the program that TestCrash kills: a broker that prints its
// address.
func TestMain(m *testing.M) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		goleak.VerifyTestMain(m)
		return
	}
	b, err := embedded.Start(embedded.Config{Dir: dir, Topics: map[string]int{"press": 1}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.Addrs()[0])
	select {}
}

// TestCrash kills the broker while a producer writes: every value that was
// acknowledged is there afterwards, in order.
func TestCrash(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var acknowledged []string
	for round := range 3 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		address, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		transport := &kafka.Transport{}
		c := &kafka.Client{Addr: kafka.TCP(strings.TrimSpace(address)), Timeout: 2 * time.Second, Transport: transport}
		for i := 0; ; i++ {
			if i == 20 {
				time.AfterFunc(5*time.Millisecond, func() { _ = cmd.Process.Kill() }) // Wait tells
			}
			value := fmt.Sprintf("%d.%d", round, i)
			if err := produce(c, "press", 0, value); err != nil {
				if i < 20 {
					t.Fatal(err)
				}
				break
			}
			acknowledged = append(acknowledged, value)
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the broker was not killed: %v", err)
		}
		transport.CloseIdleConnections()
	}

	b := start(t, embedded.Config{Dir: dir, Topics: map[string]int{"press": 1}})
	found := read(t, client(t, b, &kafka.Transport{}), "press", 0, 0)
	// A value whose acknowledgement was lost may be there as well.
	next := 0
	for _, value := range found {
		if next < len(acknowledged) && value == acknowledged[next] {
			next++
		}
	}
	if next < len(acknowledged) {
		t.Errorf("of %d acknowledged values, %d are there; %q is not", len(acknowledged), next, acknowledged[next])
	}
	if extra := len(found) - len(acknowledged); extra < 0 || extra > 3 {
		t.Errorf("%d values, %d were acknowledged", len(found), len(acknowledged))
	}
}
