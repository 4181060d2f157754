// Package kafkatest runs a real Apache Kafka for tests: one or more KRaft nodes on loopback, each a process that can be
// stopped, killed and started again. The jars come from Maven, once, into a cache; the script kafka-local does the work
// and can be used by hand as well.
package kafkatest

import (
	_ "embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed kafka-local
var script []byte

//go:embed pom.xml
var pom []byte

// User and Password are accepted by the secure listeners, with SCRAM-SHA-256 and SCRAM-SHA-512.
const (
	User     = "alice"
	Password = "alice-secret"
)

// Options say which cluster to start. The zero value is one node with the plain listener.
type Options struct {
	Brokers    int               // Nodes, each broker and controller, 1 to 9; default 1.
	Partitions int               // Of topics that are created without a number; default 4.
	Secure     bool              // Listeners with TLS and SCRAM beside the plain ones.
	Settings   map[string]string // Further lines of server.properties.
}

// Cluster is a running cluster. Its methods are for the goroutine of the test.
type Cluster struct {
	t       testing.TB
	script  string
	dir     string
	port    int
	brokers int
}

// Start starts a cluster that ends with the test. Without Java, or without Maven and the jars, the test is skipped.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	home := t.TempDir()
	c := &Cluster{t: t, script: filepath.Join(home, "kafka-local"), brokers: o.Brokers}
	for name, b := range map[string][]byte{"kafka-local": script, "pom.xml": pom} {
		if err := os.WriteFile(filepath.Join(home, name), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.needTools(o)
	args := []string{"--brokers", strconv.Itoa(o.Brokers), "--owner", strconv.Itoa(os.Getpid())}
	if o.Partitions > 0 {
		args = append(args, "--partitions", strconv.Itoa(o.Partitions))
	}
	if o.Secure {
		args = append(args, "--secure")
	}
	for _, k := range slices.Sorted(maps.Keys(o.Settings)) {
		args = append(args, "--set", k+"="+o.Settings[k])
	}
	began := time.Now()
	for attempt := 1; ; attempt++ {
		c.dir, c.port = filepath.Join(home, fmt.Sprint("cluster-", attempt)), c.freePorts()
		t.Cleanup(c.wipe(c.dir))
		out, err := c.try("start", append(args, "--port", strconv.Itoa(c.port))...)
		if err == nil {
			break
		}
		// Between our look at the ports and Kafka's use of them another process may have taken one.
		if attempt == 3 || !strings.Contains(out, "in use") {
			t.Fatalf("kafkatest: start: %v\n%s", err, out)
		}
		c.try("kill")
	}
	t.Logf("kafkatest: %d node(s) at %v after %v", o.Brokers, c.Addrs(), time.Since(began).Round(time.Millisecond))
	return c
}

func (c *Cluster) needTools(o Options) {
	c.t.Helper()
	need := []string{"bash", "java", "setsid", "flock"}
	if o.Secure {
		need = append(need, "keytool")
	}
	for _, tool := range need {
		if _, err := exec.LookPath(tool); err != nil {
			c.t.Skipf("a real Kafka needs %s: %v", tool, err)
		}
	}
	if _, err := exec.LookPath("mvn"); err == nil {
		return
	}
	if out, err := c.run("fetch"); err != nil {
		c.t.Skipf("a real Kafka needs Maven or its cached jars: %s", out)
	}
}

// Addrs returns the addresses of the plain listeners.
func (c *Cluster) Addrs() []string { return c.addrs(0) }

// SecureAddrs returns the addresses of the listeners with TLS and SCRAM.
func (c *Cluster) SecureAddrs() []string { return c.addrs(20) }

func (c *Cluster) addrs(offset int) []string {
	a := make([]string, c.brokers)
	for k := range a {
		a[k] = fmt.Sprintf("127.0.0.1:%d", c.port+offset+k)
	}
	return a
}

// CA returns the PEM file of the authority that signed the certificates of the secure listeners.
func (c *Cluster) CA() string { return filepath.Join(c.dir, "tls", "ca.pem") }

// Kill ends a node, counted from 1, as a crash does.
func (c *Cluster) Kill(node int) { c.t.Helper(); c.must("kill", "--node", strconv.Itoa(node)) }

// Stop shuts a node down in good order.
func (c *Cluster) Stop(node int) { c.t.Helper(); c.must("stop", "--node", strconv.Itoa(node)) }

// StartNode starts a node that was stopped or killed, and returns when it serves requests.
func (c *Cluster) StartNode(node int) { c.t.Helper(); c.must("start", "--node", strconv.Itoa(node)) }

func (c *Cluster) must(command string, args ...string) {
	c.t.Helper()
	if out, err := c.try(command, args...); err != nil {
		c.t.Fatalf("kafkatest: %s: %v\n%s", command, err, out)
	}
}

func (c *Cluster) try(command string, args ...string) (string, error) {
	return c.run(append([]string{command, "--dir", c.dir}, args...)...)
}

func (c *Cluster) run(args ...string) (string, error) {
	out, err := exec.Command("bash", append([]string{c.script}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// wipe ends the cluster of a folder; after a failure the end of its logs is shown first.
func (c *Cluster) wipe(dir string) func() {
	return func() {
		if c.t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(dir, "node-*", "server.log"))
			for _, name := range logs {
				b, _ := os.ReadFile(name)
				c.t.Logf("kafkatest: end of %s of %s:\n%s", filepath.Base(name), filepath.Base(filepath.Dir(name)), b[max(0, len(b)-8<<10):])
			}
		}
		if out, err := c.run("wipe", "--dir", dir); err != nil {
			c.t.Errorf("kafkatest: wipe: %v\n%s", err, out)
		}
	}
}

// freePorts returns the first port of a block of 30 of which those that the nodes need are free. The blocks lie below
// the ports that systems hand out by themselves.
func (c *Cluster) freePorts() int {
	for range 100 {
		base := 12000 + 30*rand.IntN(600)
		if c.free(base) {
			return base
		}
	}
	c.t.Fatal("kafkatest: no free ports between 12000 and 30000")
	return 0
}

func (c *Cluster) free(base int) bool {
	for _, offset := range []int{0, 10, 20} {
		for k := range c.brokers {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+offset+k))
			if err != nil {
				return false
			}
			l.Close()
		}
	}
	return true
}
