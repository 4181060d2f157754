// Package cloud keeps a bucket in Google Cloud Storage (gs://bucket/prefix) or
// Azure Blob Storage (azblob://container/prefix), by the Go Cloud Development
// Kit. Its libraries are large, so the drivers are part of a program only if it
// is built with -tags cloud; without it, [Open] returns [ErrNotBuilt].
//
// Credentials are found as the services' own tools find them. Google:
// GOOGLE_APPLICATION_CREDENTIALS, the gcloud tool's login, or the service
// account of the machine. Azure: AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or
// AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING, or the default
// credential. A URL's parameters are those of gocloud.dev's gcsblob and
// azureblob.
package cloud

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"phasor/snapshot/bucket"
)

// ErrNotBuilt is wrapped by the error of Open in a program without the drivers.
var ErrNotBuilt = errors.New("this program was built without Google Cloud Storage and Azure: build it with -tags cloud, or use file:// or s3:// (Google Cloud Storage speaks S3 too, at storage.googleapis.com)")

// Scheme tells whether the URLs of a scheme are for this package.
func Scheme(scheme string) bool { return scheme == "gs" || scheme == "azblob" }

// split parts a URL into that of the bucket and the prefix of its names, which
// is empty or ends in a slash.
func split(text string) (location, prefix string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", fmt.Errorf("bucket/cloud: not a URL: %w", errors.Unwrap(err)) // without the text, which may hold a secret
	}
	if !Scheme(u.Scheme) || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", "", fmt.Errorf("bucket/cloud: %q: use gs://bucket/prefix or azblob://container/prefix, with credentials in the environment", (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	}
	if prefix = strings.Trim(u.Path, "/"); prefix != "" {
		if err := bucket.ValidName(prefix); err != nil {
			return "", "", fmt.Errorf("bucket/cloud: prefix: %w", err)
		}
		// A key has at most 1024 bytes, a name at most MaxName.
		if most := 1024 - bucket.MaxName - 1; len(prefix) > most {
			return "", "", fmt.Errorf("bucket/cloud: a prefix of %d bytes: use at most %d", len(prefix), most)
		}
		prefix += "/"
	}
	u.Path, u.RawPath = "", ""
	return u.String(), prefix, nil
}
