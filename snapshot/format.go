package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"phasor/snapshot/safetensors"
)

// The formats of this package, all in version 1. Every object is a safetensors file in the canonical spelling of
// package safetensors, with the metadata
//
//	format   one of these strings
//	sha256   the digest of the file
//	map      the fingerprint of the feature map that the object was made with
//
// Each format is specified beside the code that decodes it. Counts and sums are I64 tensors; a sum of 128 bits is two
// of them, [lo, hi], with the value hi 2^64 + uint64(lo). Small text is metadata; lists are JSON without white space.
// What is marked "if any" is left out where it would be empty or zero, so that equal contents have equal bytes. A
// reader refuses tensors and metadata that the format does not name, and everything else that it would not write.
const (
	FormatState   = "phasor.state/1"
	FormatPane    = "phasor.pane/1"
	FormatModel   = "phasor.model/1"
	FormatStart   = "phasor.start/1"
	FormatCurrent = "phasor.current/1"
)

// newFile returns a file of a format for the feature map of a fingerprint.
func newFile(format, fingerprint string) *safetensors.File {
	return &safetensors.File{Metadata: map[string]string{"format": format, "map": fingerprint}}
}

// openFile decodes b and checks that it is of the wanted format. A later version of that format is [ErrVersion],
// anything else that does not fit is [ErrCorrupt].
func openFile(b []byte, want string) (*safetensors.File, error) {
	f, err := safetensors.Decode(b)
	if err != nil {
		return nil, err
	}
	if f.Format() == want {
		return f, nil
	}
	kind, wantVersion, _ := strings.Cut(want, "/")
	foundKind, foundVersion, _ := strings.Cut(f.Format(), "/")
	v, err := strconv.Atoi(foundVersion)
	if w, _ := strconv.Atoi(wantVersion); foundKind == kind && err == nil && v > w {
		return nil, fmt.Errorf("%w: the object is %s, this program reads %s: install the version that wrote it, or a later one", ErrVersion, f.Format(), want)
	}
	return nil, fmt.Errorf("%w: the object's format is %q, wanted %q", ErrCorrupt, f.Format(), want)
}

// sameBytes returns [ErrCorrupt] unless the decoded object is spelled as this package spells it.
func sameBytes(b []byte, encode func() ([]byte, error)) error {
	again, err := encode()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("%w: not in canonical form", ErrCorrupt)
	}
	return nil
}

// text returns v as JSON in the one spelling of this package.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("snapshot: %T has no JSON: %v", v, err)) // Only lists of strings come here.
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// parse reads the JSON of a metadata key. An absent key leaves v as it is.
func parse(f *safetensors.File, key string, v any) error {
	s, ok := f.Metadata[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("%w: metadata %s: %w", ErrCorrupt, key, err)
	}
	return nil
}

// number reads a metadata key that holds a decimal integer that is not negative.
func number(f *safetensors.File, key string) (int, error) {
	n, err := strconv.Atoi(f.Metadata[key])
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: metadata %s is %q, wanted a number", ErrCorrupt, key, f.Metadata[key])
	}
	return n, nil
}

// scalar reads an I64 tensor of one element.
func scalar(f *safetensors.File, name string) (int64, error) {
	v, err := f.Int64s(name, 1)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return v[0], nil
}
