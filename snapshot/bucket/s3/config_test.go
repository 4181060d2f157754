package s3

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]Config{
		"s3://b":               {Bucket: "b"},
		"s3://b/":              {Bucket: "b"},
		"s3://b/a/p%20q/":      {Bucket: "b", Prefix: "a/p q"},
		"s3://b?region=eu-1":   {Bucket: "b", Region: "eu-1"},
		"s3://b?endpoint=m:90": {Bucket: "b", Endpoint: "m:90"},
		"s3://b/p?endpoint=http://minio:9000&path_style=true&profile=x&credentials_file=/run/c&anonymous=false&single_writer=1": {
			Bucket: "b", Prefix: "p", Endpoint: "http://minio:9000", PathStyle: true, Profile: "x", CredentialsFile: "/run/c", SingleWriter: true},
	} {
		found, err := ParseURL(text)
		if d := cmp.Diff(want, found); d != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, d)
		}
	}
	for text, says := range map[string]string{
		"s3://":                              "s3://bucket/prefix",
		"s3:///p":                            "s3://bucket/prefix",
		"gs://b":                             "s3://bucket/prefix",
		"s3://key:hunter2@b":                 "environment",
		"s3://b?secret_key=x":                "unknown",
		"s3://b?path_style=maybe":            "path_style",
		"s3://b/a//b":                        "prefix",
		"s3://b/..":                          "prefix",
		"s3://b/" + strings.Repeat("p", 200): "at most",
		"s3://b?endpoint=ftp://x":            "endpoint",
		"s3://b?endpoint=http://x/path":      "endpoint",
	} {
		c, err := ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
}

func TestValidateCredentials(t *testing.T) {
	for _, c := range []Config{{Bucket: "b", AccessKey: "k"}, {Bucket: "b", SecretKey: "s"}, {Bucket: "b", SecretKeyFile: "f"}, {}} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
}

func TestServer(t *testing.T) {
	for endpoint, want := range map[string]string{
		"": "s3.amazonaws.com true", "minio:9000": "minio:9000 true", "http://minio:9000": "minio:9000 false", "https://x.example/": "x.example true",
	} {
		host, secure, err := Config{Endpoint: endpoint}.server()
		found := host + map[bool]string{true: " true", false: " false"}[secure]
		if err != nil || found != want {
			t.Errorf("%q: %s, %v", endpoint, found, err)
		}
	}
}
