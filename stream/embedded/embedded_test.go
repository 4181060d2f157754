package embedded_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"phasor/stream/embedded"
)

func start(t *testing.T, c embedded.Config) *embedded.Broker {
	t.Helper()
	c.OnError = func(err error) { t.Error(err) }
	b, err := embedded.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func client(t *testing.T, b *embedded.Broker, transport *kafka.Transport) *kafka.Client {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(b.Addrs()...), Timeout: 10 * time.Second, Transport: transport}
}

func produce(c *kafka.Client, topic string, partition int, values ...string) error {
	var records []kafka.Record
	for _, v := range values {
		records = append(records, kafka.Record{Time: time.UnixMilli(1_700_000_000_000), Key: kafka.NewBytes([]byte("k")), Value: kafka.NewBytes([]byte(v))})
	}
	r, err := c.Produce(context.Background(), &kafka.ProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...)})
	if err != nil {
		return err
	}
	return r.Error
}

// read returns the values of a partition from an offset to its end.
func read(t *testing.T, c *kafka.Client, topic string, partition int, offset int64) (values []string) {
	t.Helper()
	for {
		r, err := c.Fetch(t.Context(), &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 50 * time.Millisecond})
		if err == nil {
			err = r.Error
		}
		if err != nil {
			t.Fatal(err)
		}
		for {
			record, err := r.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			value, err := kafka.ReadAll(record.Value)
			if err != nil {
				t.Fatal(err)
			}
			if record.Offset >= offset {
				values = append(values, string(value))
				offset = record.Offset + 1
			}
		}
		if offset >= r.HighWatermark {
			return values
		}
	}
}

func same(t *testing.T, found []string, want ...string) {
	t.Helper()
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %q, wanted %q", found, want)
	}
}

func TestProduceAndRead(t *testing.T) {
	b := start(t, embedded.Config{Topics: map[string]int{"press": 3, "host": 1}})
	c := client(t, b, &kafka.Transport{})
	for p := range 3 {
		if err := produce(c, "press", p, "a"+strconv.Itoa(p), "b"+strconv.Itoa(p)); err != nil {
			t.Fatal(err)
		}
	}
	for p := range 3 {
		same(t, read(t, c, "press", p, 0), "a"+strconv.Itoa(p), "b"+strconv.Itoa(p))
	}
	same(t, read(t, c, "press", 1, 1), "b1")
	same(t, read(t, c, "host", 0, 0))
	if err := produce(c, "press", 3, "x"); err == nil {
		t.Error("wrote to a partition that does not exist")
	}
	if err := produce(c, "other", 0, "x"); err == nil {
		t.Error("wrote to a topic that does not exist")
	}
	host, _, err := net.SplitHostPort(b.Addrs()[0])
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("listens on %v", b.Addrs())
	}
}

func TestFolderKeepsTheLog(t *testing.T) {
	config := embedded.Config{Dir: filepath.Join(t.TempDir(), "made", "by", "start"), Topics: map[string]int{"press": 2}}
	var want []string
	for run := range 3 {
		b := start(t, config)
		c := client(t, b, &kafka.Transport{})
		same(t, read(t, c, "press", 1, 0), want...)
		value := fmt.Sprintf("run %d", run)
		if err := produce(c, "press", 1, value); err != nil {
			t.Fatal(err)
		}
		want = append(want, value)

		// The folder has one broker at a time.
		if other, err := embedded.Start(config); err == nil {
			_ = other.Close() // the failure is that it started
			t.Fatal("two brokers use one folder")
		} else if !strings.Contains(err.Error(), config.Dir) {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}

	// A topic that the configuration gains is created beside the others.
	config.Topics["host"] = 1
	b := start(t, config)
	c := client(t, b, &kafka.Transport{})
	if err := produce(c, "host", 0, "x"); err != nil {
		t.Error(err)
	}
	same(t, read(t, c, "press", 1, 0), want...)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	config.Topics["press"] = 3
	if other, err := embedded.Start(config); err == nil {
		_ = other.Close() // the failure is that it started
		t.Error("another number of partitions was accepted")
	} else if !strings.Contains(err.Error(), "2 partitions") {
		t.Error(err)
	}
	config.Topics["press"] = 2
	start(t, config) // the failed start has let go of the folder
}

func TestMemoryEndsWithClose(t *testing.T) {
	for range 2 {
		b := start(t, embedded.Config{Topics: map[string]int{"press": 1}})
		c := client(t, b, &kafka.Transport{})
		same(t, read(t, c, "press", 0, 0))
		if err := produce(c, "press", 0, "x"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPort(t *testing.T) {
	b := start(t, embedded.Config{})
	_, port, err := net.SplitHostPort(b.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	taken, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if other, err := embedded.Start(embedded.Config{Dir: dir, Port: taken}); err == nil {
		_ = other.Close() // the failure is that it started
		t.Fatal("two brokers listen on one port")
	} else if !strings.Contains(err.Error(), port) || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	// The port is free again, and the failed start has let go of the folder.
	again := start(t, embedded.Config{Dir: dir, Port: taken})
	if again.Addrs()[0] != b.Addrs()[0] {
		t.Errorf("listens on %v, wanted %v", again.Addrs(), b.Addrs())
	}
}

func TestSASLAndTLS(t *testing.T) {
	cert, pool := certificate(t)
	dir := t.TempDir()
	config := embedded.Config{
		Dir:    dir,
		Topics: map[string]int{"press": 1},
		TLS:    &tls.Config{Certificates: []tls.Certificate{cert}},
		Users:  []embedded.User{{"PLAIN", "ann", "first"}, {"SCRAM-SHA-512", "bob", "second"}},
	}
	b := start(t, config)
	trust := &tls.Config{RootCAs: pool, ServerName: "localhost"}
	bob := func(password string) *kafka.Transport {
		m, err := scram.Mechanism(scram.SHA512, "bob", password)
		if err != nil {
			t.Fatal(err)
		}
		return &kafka.Transport{TLS: trust, SASL: m}
	}
	for name, transport := range map[string]*kafka.Transport{
		"plain": {TLS: trust, SASL: plain.Mechanism{Username: "ann", Password: "first"}},
		"scram": bob("second"),
	} {
		if err := produce(client(t, b, transport), "press", 0, "x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, transport := range map[string]*kafka.Transport{
		"wrong plain password": {TLS: trust, SASL: plain.Mechanism{Username: "ann", Password: "second"}},
		"wrong scram password": bob("first"),
		"no TLS":               {SASL: plain.Mechanism{Username: "ann", Password: "first"}},
		"unknown authority":    {TLS: &tls.Config{ServerName: "localhost"}, SASL: plain.Mechanism{Username: "ann", Password: "first"}},
	} {
		c := client(t, b, transport)
		c.Timeout = time.Second
		if err := produce(c, "press", 0, "x"); err == nil {
			t.Errorf("%s: was let in", name)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, find(t, dir, "first"))

	// The next configuration decides, not what the last one was.
	config.Users = []embedded.User{{"PLAIN", "ann", "changed"}}
	b = start(t, config)
	if err := produce(client(t, b, &kafka.Transport{TLS: trust, SASL: plain.Mechanism{Username: "ann", Password: "changed"}}), "press", 0, "x"); err != nil {
		t.Error(err)
	}
	old := client(t, b, &kafka.Transport{TLS: trust, SASL: plain.Mechanism{Username: "ann", Password: "first"}})
	old.Timeout = time.Second
	if err := produce(old, "press", 0, "x"); err == nil {
		t.Error("an old password was accepted")
	}
	same(t, find(t, dir, "changed"))
}

// find returns the files below a folder that contain a text.
func find(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestRetention(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			const limit = 1 << 20
			b := start(t, embedded.Config{Dir: dir, Topics: map[string]int{"press": 1}, RetentionBytes: limit})
			c := client(t, b, &kafka.Transport{})
			value := strings.Repeat("v", 50_000)
			for range 60 {
				if err := produce(c, "press", 0, value); err != nil {
					t.Fatal(err)
				}
			}
			deadline := time.Now().Add(30 * time.Second)
			for {
				begin, end, err := b.Range("press", 0)
				if err != nil || end != 60 {
					t.Fatalf("range [%d, %d), %v", begin, end, err)
				}
				if begin > 0 {
					if kept := (end - begin) * 50_000; kept > limit || kept < limit-100_000 {
						t.Errorf("kept %d bytes of %d", kept, limit)
					}
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("nothing was removed")
				}
				time.Sleep(20 * time.Millisecond)
			}
			if dir == "" {
				return
			}
			var bytes int64
			err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				info, err := e.Info()
				bytes += info.Size()
				return err
			})
			if err != nil || bytes > limit+limit/4 {
				t.Errorf("the folder has %d bytes, %v", bytes, err)
			}
		})
	}
}

func TestTopics(t *testing.T) {
	b := start(t, embedded.Config{})
	c := client(t, b, &kafka.Transport{MetadataTTL: 50 * time.Millisecond})
	if err := b.CreateTopic("press", 1); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic("press", 1); err == nil {
		t.Error("created a topic twice")
	}
	if err := b.CreateTopic("none", 0); err == nil {
		t.Error("created a topic without partitions")
	}
	if err := produce(c, "press", 0, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteRecords("press", 0, 2); err != nil {
		t.Fatal(err)
	}
	if begin, end, err := b.Range("press", 0); begin != 2 || end != 3 || err != nil {
		t.Errorf("range [%d, %d), %v", begin, end, err)
	}
	same(t, read(t, c, "press", 0, 2), "c")
	if err := b.DeleteTopic("press"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Range("press", 0); err == nil {
		t.Error("a deleted topic has a range")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic("late", 1); !errors.Is(err, embedded.ErrClosed) {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestNotAClient sends what is no Kafka request: the connection ends, and the
// broker goes on.
func TestNotAClient(t *testing.T) {
	b := start(t, embedded.Config{Topics: map[string]int{"press": 1}})
	for name, sent := range map[string]string{
		"web browser":  "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"unknown key":  "\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x00\xff\xff",
		"negative key": "\x00\x00\x00\x0a\xff\xff\x00\x00\x00\x00\x00\x00\xff\xff",
		"huge":         "\xff\xff\xff\xff\x00\x00",
		"empty":        "\x00\x00\x00\x00",
	} {
		conn, err := net.Dial("tcp", b.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(sent)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		// A reset is an end too.
		if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection goes on: %d bytes, %v", name, n, err)
		}
		_ = conn.Close() // the broker has ended it
	}
	if err := produce(client(t, b, &kafka.Transport{}), "press", 0, "x"); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]embedded.Config{
		"port":          {Port: 70000},
		"no partitions": {Topics: map[string]int{"x": 0}},
		"mechanism":     {Users: []embedded.User{{"GSSAPI", "a", "b"}}},
		"no password":   {Users: []embedded.User{{"PLAIN", "a", ""}}},
		"certificate":   {TLS: &tls.Config{}},
		"topic's name":  {Topics: map[string]int{"not a topic/name": 1}},
	} {
		if b, err := embedded.Start(c); err == nil {
			_ = b.Close() // the failure is that it started
			t.Errorf("%s: started", name)
		}
	}
}
