package mac

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

const (
	minKey  = 32 // bytes
	maxFile = 1 << 20
	idLen   = 6
)

// Keys are what objects are signed with (the first) and verified with (all).
type Keys struct {
	keys []key
}

type key struct {
	secret []byte
	id     string
}

// ReadKeys reads a file of keys; see [ParseKeys].
func ReadKeys(path string) (*Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("mac: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("mac: %s: %d bytes: this is no file of keys", path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mac: %w", err)
	}
	k, err := ParseKeys(string(b))
	if err != nil {
		return nil, fmt.Errorf("mac: %s: %w", path, err)
	}
	return k, nil
}

// ParseKeys reads keys, one a line, as 64 hexadecimal digits or more; "openssl
// rand -hex 32" makes one. Empty lines and those that begin with # say nothing.
// The errors do not show what was read.
func ParseKeys(text string) (*Keys, error) {
	k := new(Keys)
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		secret, err := hex.DecodeString(line)
		if err != nil || len(secret) < minKey {
			return nil, fmt.Errorf("line %d is no key of %d hexadecimal digits or more: make one with \"openssl rand -hex %d\"", n, 2*minKey, minKey)
		}
		id := idOf(secret)
		if slices.Contains(k.IDs(), id) {
			return nil, fmt.Errorf("line %d: the key %s is there twice: keep one of them", n, id)
		}
		k.keys = append(k.keys, key{secret, id})
	}
	if len(k.keys) == 0 {
		return nil, errors.New("there is no key: make one with \"openssl rand -hex 32\"")
	}
	return k, nil
}

// idOf names a key without giving anything of it away.
func idOf(secret []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("phasor.key-id/1"))
	return hex.EncodeToString(h.Sum(nil))[:idLen]
}

// IDs are the names of the keys, the signing one first. They are no secret.
func (k *Keys) IDs() []string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return ids
}

// String names the keys and does not show them.
func (k *Keys) String() string { return "keys " + strings.Join(k.IDs(), ", ") }

// GoString implements fmt.GoStringer in the same way.
func (k *Keys) GoString() string { return k.String() }

// tag is ID.TAG of an object.
func (k key) tag(name string, data []byte) string {
	h := hmac.New(sha256.New, k.secret)
	head := append(make([]byte, 0, 64+len(name)), "phasor.object/1"...)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(name)))
	h.Write(append(head, name...))
	h.Write(data)
	return k.id + "." + hex.EncodeToString(h.Sum(nil))
}

// Sign returns the data of an object with the tag of the first key.
func (k *Keys) Sign(name string, data []byte) []byte {
	return insert(data, k.keys[0].tag(name, data))
}

// Verify returns the data of a signed object, and whether the first of the keys
// signed it. Otherwise why says what is wrong with the tag.
func (k *Keys) Verify(name string, stored []byte) (data []byte, first bool, why string) {
	data, tag, ok := extract(stored)
	if !ok {
		return nil, false, `it is not signed: "phasor sign --unsigned" signs what a store holds and is believed`
	}
	id := tag[:idLen]
	i := slices.IndexFunc(k.keys, func(k key) bool { return k.id == id })
	switch {
	case i < 0:
		return nil, false, fmt.Sprintf("it says that it was signed with the key %.6q, and there are the %s", id, k)
	case !hmac.Equal([]byte(tag), []byte(k.keys[i].tag(name, data))):
		return nil, false, fmt.Sprintf("the key %s did not sign these bytes under this name", id)
	}
	return data, i == 0, ""
}
