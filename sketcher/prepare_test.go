package sketcher

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"phasor/stream"
	"phasor/stream/decode"
)

// A registry that is away pauses reading: nothing is rejected, the service is alive and not ready, it can be stopped, and
// it goes on when the registry is back.
func TestRegistryThatIsAway(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	cl, err := sr.NewClient(sr.URLs(fake.URL()))
	if err != nil {
		t.Fatal(err)
	}
	s, err := cl.CreateSchema(t.Context(), "t-value", sr.Schema{Schema: `{"type":"record","name":"R","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	var refused atomic.Int64
	away.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			refused.Add(1)
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		fake.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()

	r := newRig(t, 1)
	record := func(id int, x float64) stream.Record {
		r.now++
		b := binary.BigEndian.AppendUint32([]byte{0}, uint32(id))
		for range 2 {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return stream.Record{Time: r.now, Value: b}
	}
	for p := range rigPartitions {
		for k := range 50 {
			r.cluster.Append("t", p, record(s.ID, float64(k)))
		}
		r.cluster.Append("t", p, record(s.ID+1000, 1)) // No such schema.
	}
	cfg := r.config(r.bucket)
	cfg.Fold.Decode = decode.Config{Format: "avro", Channels: cfg.Fold.Decode.Channels, Avro: decode.Avro{Registry: server.URL}}
	for k, name := range []string{"x", "y"} {
		cfg.Fold.Decode.Channels[k].Path = name
	}
	var rejected, folded atomic.Int64
	cfg.Hooks.Folded = func(_ stream.PartitionID, c Counts, _ time.Duration) {
		rejected.Add(c.Rejects[decode.Decode])
		folded.Add(c.Folded)
	}
	start := func() (service *Service, stop func() error) {
		service, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- service.Run(ctx, r.cluster.Static("t")) }()
		return service, func() error {
			cancel()
			select {
			case err := <-done:
				return err
			case <-time.After(time.Minute):
				return errors.New("it does not stop")
			}
		}
	}
	until := func(what string, f func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited a minute for %s", what)
			}
		}
	}

	service, stop := start()
	until("failures", func() bool {
		err := service.Ready()
		return err != nil && strings.Contains(err.Error(), "look at the schema registry")
	})
	if err := service.Live(); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping while the registry is away: %v", err)
	}
	if rejected.Load()+folded.Load() > 0 || refused.Load() == 0 {
		t.Errorf("%d records were rejected and %d folded without a registry that was asked %d times", rejected.Load(), folded.Load(), refused.Load())
	}

	service, stop = start()
	until("failures", func() bool { return service.Ready() != nil })
	away.Store(false)
	until("all records", func() bool { return folded.Load() == 50*rigPartitions && rejected.Load() == rigPartitions })
	until("readiness", func() bool { return service.Ready() == nil })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
