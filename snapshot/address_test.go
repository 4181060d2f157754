package snapshot

import (
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for _, ok := range []string{"store", "./store", "/var/lib/phasor", "C:\\phasor", "file:///var/lib/phasor", "file:store", "mem:", "s3://bucket/prefix?region=x", "gs://bucket/p", "azblob://c/p"} {
		if err := CheckAddress(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for address, want := range map[string]string{"": "no store", "ftp://x": "unknown scheme", "file://host/dir": "file:///dir", "s3://": "use s3://bucket",
		"s3://user:pa55w0rd@bucket": "credentials in the environment", "s3://b?secret_key=pa55w0rd": `"secret_key"`, "http://%zz:pa55w0rd@x": "not an address"} {
		err := CheckAddress(address)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pa55w0rd") {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}
