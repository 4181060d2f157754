package main

import (
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"phasor/stream/embedded"
)

// limitFiles sets how long the files may grow that a process writes; the rest of a write that is cut short fails.
func (s *sketcherProcess) limitFiles(n uint64) {
	s.p.t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE.
	limit := syscall.Rlimit{Cur: n, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		s.p.t.Fatal(errno)
	}
}

// A disk on which files cannot be written to their end, as a full one: torn files never become objects, the process is
// unready and goes on when there is room again.
func TestFullDisk(t *testing.T) {
	p := newEmbeddedPromise(t, embedded.Config{})
	s := p.start()
	p.progress(true, s)
	p.wait("ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK }, s)
	for _, room := range []uint64{0, 3000} {
		s.limitFiles(room)
		p.wait("unready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusServiceUnavailable }, s)
		if code, body := s.get("/livez"); code != http.StatusOK {
			t.Errorf("/livez: %d %s", code, body)
		}
		s.limitFiles(^uint64(0))
		p.progress(true, s)
	}
	p.wait("ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK }, s)
	p.finish(s)
	p.verify()
}

const bombSize = 1 << 30

// bomb is a batch of one record whose value is bombSize zeros.
func bomb(t *testing.T) []byte {
	t.Helper()
	body := []byte{0, 0, 0, 1}                 // Attributes, time and offset delta, no key.
	body = binary.AppendVarint(body, bombSize) // The value's length; no headers follow it.
	record := binary.AppendVarint(nil, int64(len(body))+bombSize+1)
	var packed strings.Builder
	w, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	parts := [][]byte{record, body}
	for range bombSize / len(zeros) {
		parts = append(parts, zeros)
	}
	for _, part := range append(parts, []byte{0}) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	b := be.AppendUint64(nil, 0)
	b = be.AppendUint32(b, uint32(49+packed.Len()))
	b = append(b, 0, 0, 0, 0, 2, 0, 0, 0, 0)
	b = append(b, 0, 4)       // zstd.
	b = append(b, 0, 0, 0, 0) // One offset.
	b = be.AppendUint64(b, recordsBegin)
	b = be.AppendUint64(b, recordsBegin)
	b = be.AppendUint64(b, ^uint64(0))
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = be.AppendUint32(b, 1)
	b = append(b, packed.String()...)
	be.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// send writes a batch to a partition as it is.
func (p *promise) send(partition int32, batch []byte) {
	t := p.t
	t.Helper()
	adm := kadm.NewClient(p.kafka)
	brokers, err := adm.ListBrokers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	topics, err := adm.ListTopics(t.Context(), promiseTopic)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10000
	topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, topic.TopicID, part.Partition, part.Records = promiseTopic, topics[promiseTopic].ID, partition, batch
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	r, err := p.kafka.Broker(int(brokers[0].NodeID)).Request(t.Context(), req)
	if err == nil {
		err = kerr.ErrorForCode(r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// most is the most memory that a process ever had resident.
func (s *sketcherProcess) most() int {
	t := s.p.t
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	m := peak.FindSubmatch(b)
	if m == nil {
		t.Fatalf("no peak in %s", b)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// A batch that expands to 1 GiB stops its partition, or is passed over and on record as a gap, as the policy says; either
// way it is never expanded.
func TestBombOfAGibibyte(t *testing.T) {
	p := newEmbeddedPromise(t, embedded.Config{})
	s := p.start()
	p.progress(true, s)
	b := bomb(t)
	p.send(2, b)
	said := s.ends()
	for _, want := range []string{promiseTopic + "/2", "expands beyond fetch.decompression_limit"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	p.edit("kafka:\n", "kafka:\n  corrupt: skip\n")
	s = p.start()
	p.progress(true, s)
	p.send(2, b)
	p.progress(true, s)
	p.feed.stop(t)
	ends := p.ends()
	p.wait("the end of the log", func() bool { return p.reached(ends) }, s)
	if n := s.most(); n > 300<<20 {
		t.Errorf("%d MB were resident", n>>20)
	} else {
		t.Logf("a bomb of %d bytes, at most %d MB resident", len(b), n>>20)
	}
	s.terminate()
	e, err := p.store.LatestSpec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states, err := e.LoadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range states {
		want := 0
		if st.Partition == 2 {
			want = 2
		}
		if len(st.Gaps) != want || st.Side.Count != ends[st.Partition]-int64(want) {
			t.Errorf("%s: %d records of %d, gaps %v", st, st.Side.Count, ends[st.Partition], st.Gaps)
		}
		for _, g := range st.Gaps {
			if g.Reason != "corrupt" || g.To != g.From+1 {
				t.Errorf("%s: gap %+v", st, g)
			}
		}
	}
}
