package decode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"
)

// RegistryPasswordVariable is the environment variable that holds the registry's
// password if no file is configured.
const RegistryPasswordVariable = "PHASOR_REGISTRY_PASSWORD" // #nosec G101 -- its name

// Bounds of what a registry may say.
const (
	registryTimeout = 5 * time.Second
	maxAnswer       = 4 << 20 // bytes
	maxReferences   = 256     // schemas that one schema refers to, directly or not
	maxSchemas      = 1024    // that are kept
)

// registry fetches the schemas of numbers and keeps them. What a number stands for
// does not change. It is safe for concurrent use.
type registry struct {
	client *sr.Client

	mu      sync.Mutex
	schemas map[uint32]avro.Schema // nil: the registry has no Avro schema of that number
	order   []uint32               // the numbers from the oldest
}

func newRegistry(c Avro) (*registry, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("decode: avro.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("decode: avro.ca: %s holds no PEM certificate: the registry's certificate could not be checked", c.CA)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("decode: avro.cert and avro.key: %w", err)
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	options := []sr.ClientOpt{sr.URLs(c.Registry), sr.UserAgent("phasor"),
		sr.HTTPClient(&http.Client{Transport: bounded{transport}, Timeout: registryTimeout})}
	if c.User != "" {
		password, err := c.password()
		if err != nil {
			return nil, err
		}
		options = append(options, sr.BasicAuth(c.User, password))
	}
	client, err := sr.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("decode: avro.registry: %w", err)
	}
	return &registry{client: client, schemas: map[uint32]avro.Schema{}}, nil
}

func (c Avro) password() (string, error) {
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("decode: avro.password_file: %w", err)
		}
		p := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
		if p == "" {
			return "", fmt.Errorf("decode: avro.password_file: %s is empty: the registry would refuse the requests", c.PasswordFile)
		}
		return p, nil
	}
	if p := os.Getenv(RegistryPasswordVariable); p != "" {
		return p, nil
	}
	return "", fmt.Errorf("decode: avro: no password for user %q: set avro.password_file or the environment variable %s", c.User, RegistryPasswordVariable)
}

// bounded refuses answers that are too long to be a schema.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return n, err
}

// schema returns the schema of a number, nil if the registry has no Avro schema of
// that number. An error says that the registry did not answer.
func (r *registry) schema(ctx context.Context, number uint32) (avro.Schema, error) {
	r.mu.Lock()
	s, ok := r.schemas[number]
	r.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := r.fetch(ctx, number)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.schemas[number]; !ok {
		if len(r.order) >= maxSchemas {
			delete(r.schemas, r.order[0])
			r.order = r.order[1:]
		}
		r.schemas[number], r.order = s, append(r.order, number)
	}
	return s, nil
}

func (r *registry) fetch(ctx context.Context, number uint32) (avro.Schema, error) {
	if number > math.MaxInt32 { // Registries count from 1 in int32; some do not know how to say so.
		return nil, nil
	}
	s, err := r.client.SchemaByID(ctx, int(number))
	if err != nil {
		return nil, away(ctx, number, err)
	}
	if s.Type != sr.TypeAvro {
		return nil, nil
	}
	cache, left := &avro.SchemaCache{}, maxReferences
	if err := r.refer(ctx, s.References, cache, &left); err != nil {
		if errors.Is(err, errSchema) {
			return nil, nil
		}
		return nil, away(ctx, number, err)
	}
	schema, err := parseAvro(s.Schema, cache)
	if err != nil {
		return nil, nil
	}
	return schema, nil
}

// errSchema says that a schema cannot be used, however often it is fetched.
var errSchema = errors.New("not usable")

// refer adds the schemas that a schema refers to, and first those that they refer to.
func (r *registry) refer(ctx context.Context, refs []sr.SchemaReference, cache *avro.SchemaCache, left *int) error {
	for _, ref := range refs {
		if cache.Get(ref.Name) != nil {
			continue
		}
		if *left--; *left < 0 {
			return fmt.Errorf("more than %d references: %w", maxReferences, errSchema)
		}
		s, err := r.client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return err
		}
		if err := r.refer(ctx, s.References, cache, left); err != nil {
			return err
		}
		if _, err := parseAvro(s.Schema.Schema, cache); err != nil {
			return errors.Join(errSchema, err)
		}
	}
	return nil
}

// The registry's codes for what it does not have: subject, version and schema. A
// proxy's 404 has none of them, and is taken for a registry that is away.
var absentCodes = map[int]bool{40401: true, 40402: true, 40403: true}

// away turns what a request came to into nil, for what the registry does not have,
// or an error.
func away(ctx context.Context, number uint32, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		if answer.StatusCode == http.StatusNotFound && absentCodes[answer.ErrorCode] {
			return nil
		}
		what := fmt.Sprintf("it answers %d", answer.StatusCode)
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			what += ": look at avro.user and its password"
		case http.StatusNotFound:
			what += " without the code of a registry: look at the path of avro.registry"
		}
		return fmt.Errorf("%w: schema %d: %s", ErrAway, number, what)
	}
	return fmt.Errorf("%w: schema %d: %w", ErrAway, number, err)
}

// await returns when the number's schema is known, however long that takes.
func (r *registry) await(number uint32) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		if _, err := r.schema(context.Background(), number); err == nil {
			return
		}
		time.Sleep(wait)
	}
}

// checkRegistry says what is wrong with the keys of a registry.
func (c Avro) checkRegistry() error {
	u, err := url.Parse(c.Registry)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("decode: avro.registry is no URL: write it like https://registry:8081")
	case u.User != nil:
		return fmt.Errorf("decode: avro.registry holds a user: name it as avro.user, and its password as avro.password_file or %s", RegistryPasswordVariable)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("decode: avro.registry has a query: give host, port and path only")
	case c.PasswordFile != "" && c.User == "":
		return fmt.Errorf("decode: avro.password_file without avro.user: name the user")
	case (c.Cert == "") != (c.Key == ""):
		return fmt.Errorf("decode: only one of avro.cert and avro.key is given: a registry that asks for a certificate would refuse the connection")
	case u.Scheme == "http" && c.CA+c.Cert != "":
		return fmt.Errorf("decode: avro.ca or avro.cert with a registry on http: write https://%s", u.Host)
	}
	return nil
}
