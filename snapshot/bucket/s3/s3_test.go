package s3_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/buckettest"
	"phasor/snapshot/bucket/s3"
)

// serve runs a server in the process with a bucket named store. The wrap sees
// every request first.
func serve(t *testing.T, wrap func(http.ResponseWriter, *http.Request, http.Handler)) s3.Config {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("store"); err != nil {
		t.Fatal(err)
	}
	server := gofakes3.New(backend).Server()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrap == nil {
			server.ServeHTTP(w, r)
		} else {
			wrap(w, r, server)
		}
	}))
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		web.Close()
	})
	return s3.Config{Bucket: "store", Endpoint: web.URL, Region: "us-east-1", AccessKey: "key", SecretKey: "secret", Transport: transport, Attempts: 3}
}

func open(t *testing.T, c s3.Config) bucket.Bucket {
	t.Helper()
	b, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConform(t *testing.T) {
	buckettest.Conform(t, func(t *testing.T) bucket.Bucket { return open(t, serve(t, nil)) })
}

func TestConformWithPrefix(t *testing.T) {
	buckettest.Conform(t, func(t *testing.T) bucket.Bucket {
		c := serve(t, nil)
		// What lies beside the prefix is not in the bucket.
		if err := open(t, c).Put(t.Context(), "teams/other", []byte("x")); err != nil {
			t.Fatal(err)
		}
		c.Prefix = "teams/o"
		return open(t, c)
	})
}

// unconditional ignores the condition of a write, as old servers do.
func unconditional(w http.ResponseWriter, r *http.Request, server http.Handler) {
	r.Header.Del("If-None-Match")
	server.ServeHTTP(w, r)
}

func TestServerWithoutConditions(t *testing.T) {
	b := open(t, serve(t, unconditional))
	for range 2 {
		if err := b.Create(t.Context(), "x", []byte("x")); !errors.Is(err, s3.ErrUnconditional) || !strings.Contains(err.Error(), "single_writer") {
			t.Errorf("create: %v", err)
		}
	}
	b = open(t, serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		server.ServeHTTP(w, r)
	}))
	if err := b.Create(t.Context(), "x", []byte("x")); !errors.Is(err, s3.ErrUnconditional) {
		t.Errorf("create: %v", err)
	}
}

func TestSingleWriter(t *testing.T) {
	c := serve(t, unconditional)
	c.SingleWriter = true
	b := open(t, c)
	if err := b.Create(t.Context(), "x", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(t.Context(), "x", []byte("second")); !errors.Is(err, bucket.ErrExist) {
		t.Error(err)
	}
	if data, err := b.Get(t.Context(), "x"); err != nil || string(data) != "first" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestProbeOnce counts the requests of two creations: the first proves the
// server's condition with a second write, the second needs one.
func TestProbeOnce(t *testing.T) {
	var puts atomic.Int64
	b := open(t, serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		if r.Method == http.MethodPut {
			puts.Add(1)
		}
		server.ServeHTTP(w, r)
	}))
	for i, want := range []int64{2, 3, 4} {
		if err := b.Create(t.Context(), string(rune('a'+i)), nil); err != nil {
			t.Fatal(err)
		}
		if found := puts.Load(); found != want {
			t.Errorf("%d writes after %d creations, wanted %d", found, i+1, want)
		}
	}
}

// TestBusyServer answers the first attempts of a write as busy servers do.
func TestBusyServer(t *testing.T) {
	for name, status := range map[string]int{"conflict": http.StatusConflict, "unavailable": http.StatusServiceUnavailable} {
		var puts atomic.Int64
		b := open(t, serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
			if r.Method == http.MethodPut && puts.Add(1) <= 2 {
				w.WriteHeader(status)
				return
			}
			server.ServeHTTP(w, r)
		}))
		if err := b.Create(t.Context(), "x", []byte("data")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := b.Get(t.Context(), "x"); err != nil || string(data) != "data" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

func TestErrors(t *testing.T) {
	c := serve(t, nil)
	c.Bucket = "absent"
	if _, err := s3.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("absent bucket: %v", err)
	}

	var denied atomic.Bool
	c = serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		if denied.Load() {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		server.ServeHTTP(w, r)
	})
	b := open(t, c)
	denied.Store(true)
	for what, err := range map[string]error{
		"put":    b.Put(t.Context(), "x", []byte("x")),
		"create": b.Create(t.Context(), "x", []byte("x")),
		"delete": b.Delete(t.Context(), "x"),
	} {
		if err == nil || !strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "secret\"") {
			t.Errorf("%s: %v", what, err)
		}
	}

	// A body that is cut off is not an object.
	var cut atomic.Bool
	b = open(t, serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		if cut.Load() {
			w = &cutter{ResponseWriter: w, left: 5000}
		}
		server.ServeHTTP(w, r)
	}))
	if err := b.Put(t.Context(), "x", make([]byte, 10_000)); err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	if data, err := b.Get(t.Context(), "x"); err == nil {
		t.Errorf("%d bytes of a body that was cut off", len(data))
	}
}

// cutter ends the connection after some bytes of a body.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		if _, err := c.ResponseWriter.Write(p[:c.left]); err != nil {
			return 0, err
		}
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestSlowServerEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	var slow atomic.Bool
	b := open(t, serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		if slow.Load() {
			cancel()
			<-release
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { close(release) })
	slow.Store(true)
	if _, err := b.Get(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCredentials(t *testing.T) {
	var access atomic.Value
	c := serve(t, func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ := strings.Cut(rest, "/")
		access.Store(key)
		server.ServeHTTP(w, r)
	})
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_PROFILE", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	secret := filepath.Join(dir, "secret")
	for name, text := range map[string]string{
		file:   "[default]\naws_access_key_id = from-file\naws_secret_access_key = s\n[other]\naws_access_key_id = from-profile\naws_secret_access_key = s\n",
		secret: "s\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := c
	plain.AccessKey, plain.SecretKey = "", ""
	use := func(want string, change func(*s3.Config)) {
		t.Helper()
		c := plain
		change(&c)
		open(t, c)
		if found := access.Load(); found != want {
			t.Errorf("signed by %q, wanted %q", found, want)
		}
	}
	use("given", func(c *s3.Config) { c.AccessKey, c.SecretKey = "given", "s" })
	use("given", func(c *s3.Config) { c.AccessKey, c.SecretKeyFile = "given", secret })
	use("from-file", func(c *s3.Config) { c.CredentialsFile = file })
	use("from-profile", func(c *s3.Config) { c.CredentialsFile, c.Profile = file, "other" })
	use("", func(c *s3.Config) { c.Anonymous = true })
	t.Setenv("AWS_ACCESS_KEY_ID", "from-environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	use("from-environment", func(c *s3.Config) { c.CredentialsFile = file })
	use("", func(c *s3.Config) { c.Anonymous = true })
}
