package s3

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"phasor/snapshot/bucket"
)

// Config says where the bucket is and who may use it. Only Bucket is required.
type Config struct {
	// Bucket is the name of the bucket, which must exist.
	Bucket string
	// Prefix is put, with a slash, before every name; several stores can share
	// a bucket. Its elements follow [bucket.ValidName].
	Prefix string
	// Endpoint is the server, as host, host:port or URL; without a scheme,
	// https. Empty: Amazon's.
	Endpoint string
	// Region of the bucket. Empty: AWS_REGION, AWS_DEFAULT_REGION, or what the
	// server says.
	Region string
	// PathStyle asks for https://host/bucket/key in place of
	// https://bucket.host/key. Servers other than Amazon's, Google's and
	// Alibaba's are always asked so.
	PathStyle bool

	// AccessKey, SecretKey and SessionToken are the credentials.
	// SecretKeyFile is a file with the secret key, such as a mounted secret.
	// Without them the usual places are tried, in this order: AWS_… and MINIO_…
	// in the environment, the AWS credentials file (CredentialsFile and
	// Profile, or their defaults), and on AWS the role of the machine, the
	// container or the service account.
	AccessKey, SecretKey, SessionToken string
	SecretKeyFile                      string
	CredentialsFile, Profile           string
	// Anonymous uses no credentials.
	Anonymous bool

	// SingleWriter allows a server that ignores If-None-Match: Create then
	// looks whether the name is free before it writes. Two writers at the same
	// moment can both succeed, which may lose work; run one sketcher then.
	SingleWriter bool

	// Transport makes the requests; nil: the default one.
	Transport http.RoundTripper
	// Attempts bounds how often a request is tried that met a busy or failing
	// server; 0: 10, with growing pauses of up to a second.
	Attempts int
}

// ParseURL reads a configuration from a URL such as
//
//	s3://bucket/prefix?endpoint=http://minio:9000&region=eu-central-1
//
// with the parameters endpoint, region, profile, credentials_file, path_style,
// anonymous and single_writer, of which the last three are true or false.
// Secrets have no parameter: URLs are printed.
func ParseURL(text string) (Config, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("bucket/s3: not a URL: %w", errors.Unwrap(err)) // without the text, which may hold a secret
	}
	shown := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path} // Without user and query, which may hold a secret.
	if u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return Config{}, fmt.Errorf("bucket/s3: %q: use s3://bucket/prefix?endpoint=…&region=…, with credentials in the environment or a file", shown)
	}
	c := Config{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("bucket/s3: parameters of %q: %w", shown, err)
	}
	for key, values := range query {
		value := values[len(values)-1]
		var err error
		switch key {
		case "endpoint":
			c.Endpoint = value
		case "region":
			c.Region = value
		case "profile":
			c.Profile = value
		case "credentials_file":
			c.CredentialsFile = value
		case "path_style":
			c.PathStyle, err = strconv.ParseBool(value)
		case "anonymous":
			c.Anonymous, err = strconv.ParseBool(value)
		case "single_writer":
			c.SingleWriter, err = strconv.ParseBool(value)
		default:
			err = errors.New("unknown: use endpoint, region, profile, credentials_file, path_style, anonymous, single_writer")
		}
		if err != nil {
			return Config{}, fmt.Errorf("bucket/s3: parameter %q of %q: %w", key, shown, err)
		}
	}
	return c, c.Validate()
}

// Validate returns the first thing that is wrong with the configuration.
func (c Config) Validate() error {
	if c.Bucket == "" {
		return errors.New("bucket/s3: no bucket given: use s3://bucket/prefix")
	}
	if c.Prefix != "" {
		if err := bucket.ValidName(c.Prefix); err != nil {
			return fmt.Errorf("bucket/s3: prefix: %w", err)
		}
	}
	// A key has at most 1024 bytes, a name at most MaxName.
	if most := 1024 - bucket.MaxName - 1; len(c.Prefix) > most {
		return fmt.Errorf("bucket/s3: a prefix of %d bytes: use at most %d", len(c.Prefix), most)
	}
	if (c.AccessKey == "") != (c.SecretKey == "" && c.SecretKeyFile == "") {
		return errors.New("bucket/s3: an access key needs a secret key, and the other way round")
	}
	_, _, err := c.server()
	return err
}

// server returns the endpoint's host and whether it is spoken to by TLS.
func (c Config) server() (host string, secure bool, err error) {
	endpoint := cmp.Or(c.Endpoint, "s3.amazonaws.com")
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return "", false, fmt.Errorf("bucket/s3: endpoint %q: use a host, host:port or http(s)://host:port", c.Endpoint)
	}
	return u.Host, u.Scheme == "https", nil
}

func (c Config) client() (*minio.Client, error) {
	host, secure, err := c.server()
	if err != nil {
		return nil, err
	}
	creds, err := c.credentials(host)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(host, &minio.Options{
		Creds:        creds,
		Secure:       secure,
		Transport:    c.Transport,
		Region:       cmp.Or(c.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		BucketLookup: lookup,
		MaxRetries:   c.Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("bucket/s3: endpoint %q: %w", c.Endpoint, err)
	}
	return client, nil
}

func (c Config) credentials(host string) (*credentials.Credentials, error) {
	if c.Anonymous {
		return credentials.New(&credentials.Static{Value: credentials.Value{SignerType: credentials.SignatureAnonymous}}), nil
	}
	if c.AccessKey != "" {
		secret := c.SecretKey
		if c.SecretKeyFile != "" {
			b, err := os.ReadFile(c.SecretKeyFile)
			if err != nil {
				return nil, fmt.Errorf("bucket/s3: secret key: %w", err)
			}
			secret = string(bytes.TrimSpace(b))
		}
		return credentials.NewStaticV4(c.AccessKey, secret, c.SessionToken), nil
	}
	chain := []credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.EnvMinio{},
		&credentials.FileAWSCredentials{Filename: c.CredentialsFile, Profile: c.Profile},
	}
	// Only Amazon's machines have a service that answers; others would wait
	// for it with every request.
	if strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") || os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		chain = append(chain, &credentials.IAM{Client: &http.Client{Transport: http.DefaultTransport, Timeout: 10 * time.Second}})
	}
	return credentials.NewChainCredentials(chain), nil
}
