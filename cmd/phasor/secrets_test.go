//go:build unix

package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"phasor/snapshot"
	"phasor/snapshot/bucket/mac"
	"phasor/stream/embedded"
)

// TestSecretsStayIn runs the program with a password and keys, right and wrong, and looks for them in everything that it
// writes: log, errors, pages, metrics and the store.
func TestSecretsStayIn(t *testing.T) {
	const user, password, key = "phasor-user", "pa55-w0rd+of/kafka", "s3cr3t+key/of/the/store"
	const signing, other = "5ec2e7" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "5ec2e8" + "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	b, err := embedded.Start(embedded.Config{Topics: map[string]int{promiseTopic: promisePartitions}, Users: []embedded.User{{Mechanism: "PLAIN", Name: user, Password: password}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	p := newPromise(t, b.Addrs(), false, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	p.edit("kafka:\n", fmt.Sprintf("kafka:\n  sasl: {mechanism: plain, user: %s}\n", user))
	p.password = webPassword
	hash := users(t)
	write(t, p.path("web.yml"), hash)
	write(t, p.path("keys"), signing+"\n")
	p.edit("kafka:\n", fmt.Sprintf("web: {config: %s}\nintegrity: {key_file: %s}\nkafka:\n", p.path("web.yml"), p.path("keys")))
	hash = strings.Split(hash, `"`)[1]
	keys, err := mac.ParseKeys(signing)
	if err != nil {
		t.Fatal(err)
	}
	plain := p.bucket
	p.bucket = mac.Wrap(plain, mac.Options{Keys: keys})
	p.store = snapshot.Open(p.bucket, promiseTopic)
	t.Setenv("PHASOR_KAFKA_PASSWORD", password)
	t.Setenv("AWS_ACCESS_KEY_ID", "access")
	t.Setenv("AWS_SECRET_ACCESS_KEY", key)

	var said strings.Builder
	s := p.start()
	p.progress(true, s)
	for _, path := range []string{"/", "/status.json", "/metrics", "/livez", "/readyz", "/config", "/debug/vars"} {
		_, body := s.get(path)
		said.WriteString(body)
		if path == "/config" && (!strings.Contains(body, "user: "+user) || !strings.Contains(body, p.path("keys"))) {
			t.Errorf("the configuration is not shown: %s", body)
		}
	}
	p.finish(s)

	run := func(args ...string) {
		out, err := exec.Command(p.binary, args...).CombinedOutput()
		if err == nil {
			t.Errorf("%q succeeded", args)
		}
		said.Write(out)
	}
	run("sketcher", "--config", p.path("phasor.yaml"), "--log.level", "debug", "--store", "s3://bucket/prefix?endpoint=http://127.0.0.1:1&region=x")
	run("models", "list", "--name", "x", "--store", "s3://user:"+url.PathEscape(key)+"@bucket/prefix?endpoint=http://127.0.0.1:1")
	run("models", "list", "--name", "x", "--store", "s3://bucket?secret_key="+url.QueryEscape(key))
	run("models", "list", "--name", promiseTopic, "--store", p.path("store"))
	write(t, p.path("other"), other)
	run("models", "list", "--name", promiseTopic, "--store", p.path("store"), "--integrity.key_file", p.path("other"), "--log.level", "debug")
	write(t, p.path("broken"), signing+"\n"+other[:60])
	run("models", "list", "--name", promiseTopic, "--store", p.path("store"), "--integrity.key_file", p.path("broken"))
	write(t, p.path("wrong.yml"), fmt.Sprintf("basic_auth_users: {%s: %q, other: %q}\n", webUser, hash, webPassword))
	run("trainer", "--name", "x", "--store", p.path("empty"), "--listen", "127.0.0.1:0", "--web.config", p.path("wrong.yml"))
	t.Setenv("PHASOR_INTEGRITY_KEY", signing[:40])
	run("models", "list", "--name", promiseTopic, "--store", p.path("store"))
	t.Setenv("PHASOR_INTEGRITY_KEY", "")
	t.Setenv("PHASOR_KAFKA_PASSWORD", password+"x")
	said.WriteString(p.start().ends())
	for _, name := range p.logs {
		log, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(log)
	}
	for name := range p.objects() {
		object, err := plain.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(object)
	}
	if !strings.Contains(said.String(), "authentication failed") || said.Len() < 10000 {
		t.Fatalf("the runs said nothing of the kind that might hold a secret: %d bytes", said.Len())
	}
	for _, secret := range []string{password, key, webPassword, hash, signing, other[:60], signing[:40]} {
		for form, text := range map[string]string{"plain": secret, "URL": url.QueryEscape(secret), "path": url.PathEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
			"base64": base64.StdEncoding.EncodeToString([]byte(secret))} {
			if i := strings.Index(said.String(), text); i >= 0 {
				t.Errorf("%q (%s) was written: …%.200s…", secret, form, said.String()[max(0, i-80):])
			}
		}
	}
}
