package snapshot

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"phasor/snapshot/bucket/cloud"
	"phasor/snapshot/bucket/s3"
)

// CheckAddress says what is wrong with the address of a store, as far as that can be told without opening it.
func CheckAddress(address string) error {
	if address == "" {
		return errors.New("snapshot: no store given: name a folder, or s3://bucket/prefix")
	}
	scheme, _, ok := strings.Cut(address, ":")
	if !ok || strings.ContainsAny(scheme, "/.\\") || len(scheme) < 2 {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil { // Whose text would show a password.
		return fmt.Errorf("snapshot: store %s:…: not an address: write a folder, or s3://bucket/prefix", scheme)
	}
	switch {
	case u.Scheme == "file" && (u.Host != "" && u.Host != "localhost" || u.Path+u.Opaque == "" || u.RawQuery+u.Fragment != ""):
		err = errors.New("a folder is wanted and nothing else: write file:///dir")
	case u.Scheme == "s3":
		_, err = s3.ParseURL(address)
	case u.Scheme != "file" && u.Scheme != "mem" && !cloud.Scheme(u.Scheme):
		err = fmt.Errorf("unknown scheme %q: use a folder or one of file, mem, s3, gs and azblob", u.Scheme)
	}
	if err != nil {
		return fmt.Errorf("snapshot: store %s: %w", shown(u), err)
	}
	return nil
}
