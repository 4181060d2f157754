package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"phasor/snapshot"
	"phasor/stream/embedded"
)

// clinic is a stream on an embedded Kafka, and a configuration that fits it.
type clinic struct {
	t      *testing.T
	broker *embedded.Broker
	client *kgo.Client
	dir    string
	config string
}

func newClinic(t *testing.T, c embedded.Config) *clinic {
	t.Helper()
	b, err := embedded.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	k := &clinic{t: t, broker: b, dir: t.TempDir()}
	t.Setenv("TMPDIR", "/var/elsewhere") // The folders of this test are not to look like those that are emptied.
	if len(c.Users) == 0 && c.TLS == nil {
		if k.client, err = kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.client.Close)
		kind := "LogAppendTime"
		created, err := kadm.NewClient(k.client).CreateTopics(t.Context(), 2, 1, map[string]*string{"message.timestamp.type": &kind}, "stamped")
		if err != nil || created.Error() != nil {
			t.Fatal(err, created.Error())
		}
		created, err = kadm.NewClient(k.client).CreateTopics(t.Context(), 2, 1, nil, "press")
		if err != nil || created.Error() != nil {
			t.Fatal(err, created.Error())
		}
	}
	k.config = fmt.Sprintf(`store: %s
listen: 127.0.0.1:0
kafka: {brokers: [%s], session: 6s, fetch: {max_wait: 100ms}}
sketches:
  - topics: [press]
    channels: [{name: temperature}, {name: pressure}]
    panes: {length: 10s}
    calibrate: {features: 64, pilot: 1000, timeout: 500ms}
    drift: {reference: 1h}
snapshot: {interval: 1s}
`, filepath.Join(k.dir, "store"), strings.Join(b.Addrs(), ", "))
	return k
}

// produce writes n records to each of the two partitions, the last of them now.
func (k *clinic) produce(topic string, n int, value func(i int) string, at func(i int) time.Time) {
	k.t.Helper()
	var records []*kgo.Record
	for p := range 2 {
		for i := range n {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(p), Value: []byte(value(i)), Timestamp: at(i)})
		}
	}
	if err := k.client.ProduceSync(k.t.Context(), records...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

func good(i int) string {
	return fmt.Sprintf(`{"temperature":%d,"pressure":%.2f}`, 20+i%7, float64(i%11)/3)
}

// recently spreads 200 records over the last 40 s.
func recently(i int) time.Time { return time.Now().Add(time.Duration(i-200) * 200 * time.Millisecond) }

// examine runs the doctor with a changed configuration.
func (k *clinic) examine(change []string, args ...string) (map[string][]checkup, int) {
	k.t.Helper()
	text := k.config
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			k.t.Fatalf("%q is not in the configuration", change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	var out, log bytes.Buffer
	err := run(k.t.Context(), append([]string{"doctor", "--config", file(k.t, text), "--json", "--wait", "2s"}, args...), strings.NewReader(""), &out, &log)
	var r struct {
		Checks []checkup
		Failed int
	}
	if jerr := json.Unmarshal(out.Bytes(), &r); jerr != nil {
		k.t.Fatalf("%v: %q, %s", jerr, out.String(), log.String())
	}
	if want := min(r.Failed, 1); exitCode(err) != want {
		k.t.Errorf("exit code %d with %d failures", exitCode(err), r.Failed)
	}
	m := map[string][]checkup{}
	for _, c := range r.Checks {
		m[c.Check] = append(m[c.Check], c)
	}
	return m, r.Failed
}

// says fails the test unless a check has this status and words.
func says(t *testing.T, m map[string][]checkup, check, status, words string) {
	t.Helper()
	if !slices.ContainsFunc(m[check], func(c checkup) bool { return c.Status == status && strings.Contains(c.Detail+": "+c.Do, words) }) {
		t.Errorf("%s: %+v, want %s with %q", check, m[check], status, words)
	}
}

// Whatever can be well is, and nothing is changed by the look.
func TestDoctorOfAHealthyStream(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	k.produce("press", 200, good, recently)
	admin := kadm.NewClient(k.client)
	look := func() string {
		topics, err := admin.ListTopics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		groups, err := admin.ListGroups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ends, err := admin.ListEndOffsets(t.Context(), "press", "stamped")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(topics.Names(), groups.Groups(), ends.Offsets())
	}
	before := look()
	m, failed := k.examine(nil)
	if failed > 0 {
		t.Errorf("%+v", m)
	}
	for check, words := range map[string]string{"config": "valid for run", "broker": "without TLS", "topic": "2 partitions, all with a leader", "group": "may be described, no members",
		"store": "there is no such folder yet; it can be made", "records": "400 read", "channels": "temperature 20 to 26, pressure 0 to 3.33", "time": "timestamp: newest", "clock": "producers' times",
		"listen": "free", "memory": "2 partitions", "runtime": ""} {
		if check == "runtime" || check == "memory" { // Which depend on where the test runs.
			if len(m[check]) != 1 {
				t.Errorf("%s: %+v", check, m[check])
			}
			continue
		}
		says(t, m, check, "ok", words)
	}
	if _, err := os.Stat(filepath.Join(k.dir, "store")); err == nil {
		t.Error("the store was made")
	}
	if err := os.Mkdir(filepath.Join(k.dir, "store"), 0o755); err != nil {
		t.Fatal(err)
	}
	m, _ = k.examine(nil, "--role", "sketcher")
	says(t, m, "store", "ok", "created once only, read, listed and removed")
	says(t, m, "epoch", "ok", "none yet: the first sketcher calibrates on 1000 records")
	if left, err := os.ReadDir(filepath.Join(k.dir, "store")); err != nil || len(left) > 0 {
		t.Errorf("%v is left in the store, %v", left, err)
	}
	if after := look(); after != before {
		t.Errorf("the cluster was\n%s and is\n%s", before, after)
	}
	// The same for people.
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"doctor", "--config", file(t, k.config)}, strings.NewReader(""), &out, &log); err != nil || !strings.Contains(out.String(), "ok    topic     press: 2 partitions") {
		t.Errorf("%v %s", err, out.String())
	}
}

// What the records are like.
func TestDoctorLooksAtRecords(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	m, _ := k.examine(nil)
	says(t, m, "records", "warn", "the topics are empty")

	k.produce("press", 200, func(i int) string {
		if i%10 == 3 {
			return `{"temperature":"cold"}`
		}
		return good(i)
	}, recently)
	m, failed := k.examine(nil)
	says(t, m, "records", "warn", `rejected: schema 10 %; offset 3 is rejected for schema at channel "temperature"`)
	if failed > 0 {
		t.Errorf("%+v", m)
	}
	m, _ = k.examine([]string{"{name: pressure}", "{name: pressure, path: p}"})
	says(t, m, "records", "FAIL", `schema 100 %; offset 0 is rejected for schema at channel "pressure"`)
	m, _ = k.examine([]string{"topics: [press]", "topics: [press]\n    format: csv"})
	says(t, m, "records", "FAIL", "correct format, channels and their paths")
	m, _ = k.examine([]string{"topics: [press]", "topics: [press]\n    where: {line: \"4\"}"})
	says(t, m, "records", "warn", "none gives a vector")
	m, _ = k.examine([]string{"topics: [press]", "topics: [press]\n    missing: last"})
	says(t, m, "records", "warn", "rejected: schema 10 %")

	k.produce("stamped", 50, func(int) string { return `{"temperature":1,"pressure":2}` }, recently)
	m, _ = k.examine([]string{"topics: [press]", "topics: [stamped]"})
	says(t, m, "channels", "warn", "temperature, pressure did not move in 100 records")
}

func TestDoctorLooksAtTimes(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	stamped := func(unit int64) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`{"temperature":%d,"pressure":%d,"ts":%d}`, i%5, i%3, recently(i).UnixMilli()*unit/1000)
		}
	}
	k.produce("press", 200, stamped(1000), recently)
	field := func(unit string) []string {
		return []string{"topics: [press]", "topics: [press]\n    time: {field: ts, unit: " + unit + "}"}
	}
	m, _ := k.examine(field("ms"))
	says(t, m, "time", "ok", "field ts: newest")
	m, _ = k.examine(field("us"))
	says(t, m, "time", "FAIL", "is time.unit (s, ms, us, ns) right?")
	m, _ = k.examine(field("s"))
	says(t, m, "records", "FAIL", "or time")
	m, _ = k.examine([]string{"length: 10s", "length: 1s"})
	says(t, m, "time", "warn", "a pane of 1s holds about 5.0 records")
	d, year := &doctor{}, time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	d.judgeTimes(&SketchConfig{}, &sampled{vectors: 1, oldest: year, newest: year, future: 1})
	says(t, map[string][]checkup{"time": d.all}, "time", "FAIL", "oldest 2400-01-01")
	d = &doctor{}
	d.judgeTimes(&SketchConfig{}, &sampled{vectors: 3, timeless: 3})
	says(t, map[string][]checkup{"time": d.all}, "time", "warn", "no event time")
	k.produce("press", 50, good, func(i int) time.Time { return time.Now().Add(2 * time.Hour) })
	m, _ = k.examine(nil)
	says(t, m, "time", "warn", "ahead of this host's clock, by up to 2h0m0s")
	k.produce("press", 200, good, func(i int) time.Time { return time.Now().Add(-48 * time.Hour) })
	m, _ = k.examine(nil)
	says(t, m, "time", "warn", "is this a replay?")
}

// A record that comes while the doctor looks tells how the clocks differ.
func TestDoctorComparesClocks(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	k.produce("stamped", 100, good, recently)
	stamped := []string{"topics: [press]", "topics: [stamped]"}
	m, _ := k.examine(stamped)
	says(t, m, "clock", "ok", "no record came in within 2s")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			k.client.ProduceSync(ctx, &kgo.Record{Topic: "stamped", Value: []byte(good(1))}, &kgo.Record{Topic: "stamped", Partition: 1, Value: []byte(good(2))})
		}
	}()
	m, _ = k.examine(stamped)
	stop()
	<-ended
	says(t, m, "clock", "ok", "after the broker stamped it")

	for late, want := range map[time.Duration]string{-5 * time.Second: "5s ahead of this host's", time.Minute: "1m0s behind this host's"} {
		d := &doctor{c: &doctorCmd{}}
		d.judgeClock(&SketchConfig{Topics: []string{"t"}}, &sampled{late: late}, map[string]bool{"t": true})
		says(t, map[string][]checkup{"clock": d.all}, "clock", "warn", want)
	}
}

func TestDoctorTriesTheCluster(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	addr := k.broker.Addrs()[0]
	m, failed := k.examine([]string{addr, "127.0.0.1:1"})
	says(t, m, "broker", "FAIL", "no broker can be reached")
	if failed != 1 || len(m["topic"])+len(m["records"]) > 0 {
		t.Errorf("what hangs on the broker was tried: %+v", m)
	}
	m, failed = k.examine([]string{addr, addr + ", 127.0.0.1:1"})
	says(t, m, "broker", "warn", "another one answers")
	if failed > 0 {
		t.Errorf("%+v", m)
	}
	m, _ = k.examine([]string{"topics: [press]", "topics: [press, presses]"})
	says(t, m, "topic", "FAIL", "no such topic: create it, or correct the name")
	m, _ = k.examine([]string{"topics: [press]", "topics: [press]\n    partitions: {press: [0, 7]}"})
	says(t, m, "topic", "FAIL", "partition 7 is configured and there are 2")
	says(t, m, "group", "ok", "not needed")
	m, _ = k.examine([]string{"session: 6s", "session: 6s, tls: {}"})
	says(t, m, "broker", "FAIL", "if it is not for TLS, leave tls out")
	m, _ = k.examine([]string{"brokers: [" + addr + "]", "group: x"})
	says(t, m, "broker", "ok", "phasor run starts its own")
	if lost := leaderless([]int32{1, -1, 2, -1}); !slices.Equal(lost, []int{1, 3}) {
		t.Errorf("partitions without a leader: %v", lost)
	}

	locked := newClinic(t, embedded.Config{Topics: map[string]int{"press": 2}, Users: []embedded.User{{Mechanism: "SCRAM-SHA-256", Name: "phasor", Password: "right"}}})
	user := []string{"session: 6s", "session: 6s, sasl: {mechanism: scram-sha-256, user: phasor}"}
	t.Setenv("PHASOR_KAFKA_PASSWORD", "wrong")
	m, _ = locked.examine(user)
	says(t, m, "broker", "FAIL", "authentication failed")
	t.Setenv("PHASOR_KAFKA_PASSWORD", "right")
	m, _ = locked.examine(user)
	says(t, m, "broker", "ok", "scram-sha-256 as phasor")
	t.Setenv("PHASOR_KAFKA_PASSWORD", "")
	m, _ = locked.examine(user)
	says(t, m, "broker", "FAIL", "no password for user")
}

// A store that was folded into is compared with the configuration, and its positions with the log.
func TestDoctorComparesTheStore(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	k.produce("press", 200, good, recently)
	m, _ := k.examine(nil, "--role", "serve")
	says(t, m, "store", "FAIL", "there is no such folder")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var log bytes.Buffer
	go func() {
		var out bytes.Buffer
		ended <- run(ctx, []string{"sketcher", "--config", file(t, k.config)}, strings.NewReader(""), &out, &log)
	}()
	b, err := snapshot.OpenBucket(t.Context(), filepath.Join(k.dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	folded := func() bool {
		e, err := snapshot.Open(b, "press").LatestSpec(t.Context())
		if err != nil {
			return false
		}
		states, err := e.LoadStates(t.Context())
		if err != nil || len(states) != 2 {
			return false
		}
		return states[0].Next == 200 && states[1].Next == 200
	}
	for deadline := time.Now().Add(time.Minute); !folded(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the records were not folded")
		}
	}
	m, failed := k.examine(nil)
	says(t, m, "group", "ok", "1 members: sketchers are at work")
	stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Logf("the sketcher ended: %v", err)
	}
	if failed > 0 {
		t.Errorf("%+v", m)
	}
	says(t, m, "epoch", "ok", "epoch 1 of 1")
	says(t, m, "position", "ok", "the states of 2 partitions fit")
	for change, want := range map[string]string{
		"length: 10s|length: 20s": "panes.length", "{name: pressure}|{name: pressur}": `channel 2 is "pressur"`, "session: 6s|isolation: read_uncommitted": "isolation",
		"topics: [press]|topics: [press]\n    max_bytes: 7000": "decoder"} {
		from, to, _ := strings.Cut(change, "|")
		m, _ := k.examine([]string{from, to}, "--role", "sketcher")
		says(t, m, "epoch", "FAIL", want)
	}
	m, _ = k.examine([]string{"features: 64", "features: 128"})
	says(t, m, "epoch", "warn", "calibrate.features is 128 and the epoch has 64")
	m, _ = k.examine([]string{"features: 64", "features: 64, law: gaussian"})
	says(t, m, "epoch", "warn", "calibrate.law is gaussian")
	m, _ = k.examine(nil, "--role", "serve")
	says(t, m, "epoch", "warn", "no model yet")
	m, _ = k.examine(nil, "--role", "trainer")
	says(t, m, "epoch", "ok", "epoch 1 of 1")
	m, _ = k.examine([]string{"topics: [press]", "name: other\n    topics: [press]"}, "--role", "trainer")
	says(t, m, "epoch", "warn", "the store has nothing of this sketch")

	k.produce("press", 300, func(i int) string { return fmt.Sprintf(`{"temperature":%d,"pressure":%d}`, 5000+i, i%3) }, recently)
	m, _ = k.examine(nil)
	says(t, m, "channels", "warn", "outside the range of the epoch")
	if err := k.broker.DeleteRecords("press", 1, 300); err != nil {
		t.Fatal(err)
	}
	m, _ = k.examine(nil)
	says(t, m, "position", "FAIL", "100 offsets were deleted unread (on_retention is fail)")
	m, _ = k.examine([]string{"topics: [press]", "topics: [press]\n    on_retention: continue"})
	says(t, m, "position", "warn", "the gap will go on record")
	if err := k.broker.DeleteTopic("press"); err != nil {
		t.Fatal(err)
	}
	if err := k.broker.CreateTopic("press", 2); err != nil {
		t.Fatal(err)
	}
	m, _ = k.examine(nil)
	says(t, m, "position", "FAIL", "topic recreated")

	// The newest state of a partition damaged: the doctor leaves it where it is.
	names, err := filepath.Glob(filepath.Join(k.dir, "store", "press", "0001", "state", "press.*", "0", "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	before := allFiles(t, filepath.Join(k.dir, "store"))
	for _, name := range names {
		if err := os.WriteFile(name, []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, _ = k.examine(nil)
	says(t, m, "epoch", "FAIL", "every object is corrupt")
	if after := allFiles(t, filepath.Join(k.dir, "store")); !reflect.DeepEqual(before, after) {
		t.Errorf("the store held %q and holds %q", before, after)
	}
}

func allFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDoctorTriesTheHost(t *testing.T) {
	k := newClinic(t, embedded.Config{})
	k.produce("press", 100, good, recently)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // A program that is no Phasor.
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			c.Close()
		}
	}()
	m, _ := k.examine([]string{"127.0.0.1:0", l.Addr().String()})
	says(t, m, "listen", "FAIL", "choose another address")
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	m, _ = k.examine([]string{"127.0.0.1:0", s.Listener.Addr().String()})
	says(t, m, "listen", "warn", "answers /livez")

	blocked := filepath.Join(k.dir, "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m, _ = k.examine([]string{filepath.Join(k.dir, "store"), blocked})
	says(t, m, "store", "FAIL", "a folder is wanted")
	m, _ = k.examine([]string{filepath.Join(k.dir, "store"), filepath.Join(blocked, "store")})
	says(t, m, "store", "FAIL", "")
	m, _ = k.examine([]string{"store: " + filepath.Join(k.dir, "store"), "store: s3://bucket?endpoint=http://127.0.0.1:1&region=x&anonymous=true", "interval: 1s", "interval: 1s, timeout: 1s"}, "--role", "sketcher")
	says(t, m, "store", "FAIL", "")

	for _, test := range []struct {
		free, inodes, left uint64
		status             string
	}{{1 << 40, 0, 0, "ok"}, {1 << 40, 1 << 20, 100, "warn"}, {1 << 30, 0, 0, "warn"}, {1 << 20, 0, 0, "FAIL"}} {
		d := &doctor{}
		d.judgeRoom("/", test.free, test.inodes, test.left)
		says(t, map[string][]checkup{"room": d.all}, "room", test.status, "free")
	}
	const unset = 1<<63 - 1
	for _, test := range []struct {
		usual, most, limit, soft int64
		whose, status, words     string
	}{
		{1 << 28, 1 << 29, 1 << 32, unset, "this machine has", "ok", "256.0 MiB"},
		{1 << 28, 1 << 29, 1 << 32, unset, limitOfGroup, "warn", "set GOMEMLIMIT=3686MiB"},
		{1 << 28, 1 << 29, 1 << 32, 1 << 31, limitOfGroup, "ok", "4.0 GiB"},
		{1 << 28, 1 << 29, 1 << 32, 1 << 33, limitOfGroup, "warn", "GOMEMLIMIT is 8.0 GiB"},
		{1 << 28, 1 << 33, 1 << 32, unset, "this machine has", "warn", "may not be enough"},
		{1 << 33, 1 << 34, 1 << 32, unset, "this machine has", "FAIL", "share the partitions"},
	} {
		d := &doctor{}
		d.judgeMemory(4, test.usual, test.most, test.limit, test.whose, test.soft)
		says(t, map[string][]checkup{"memory": d.all}, "memory", test.status, test.words)
	}
	t.Setenv("PHASOR_KERNEL", "") // The kernel was chosen long ago; what is said of it is one of these.
	if status := m["runtime"][0].Status; status != "ok" && status != "warn" || !strings.Contains(m["runtime"][0].Detail, "kernel ") {
		t.Errorf("%+v", m["runtime"])
	}
}

// A sketch takes what the estimate says.
func TestSketchBytes(t *testing.T) {
	for _, test := range []struct{ features, channels int }{{64, 2}, {1024, 10}, {256, 130}} {
		if have := sketchBytes(test.features, test.channels); have < int64(32*test.features) || have > int64(32*test.features+1280*test.channels+16*test.channels*test.channels) {
			t.Errorf("m=%d, d=%d: %d bytes", test.features, test.channels, have)
		}
	}
}
