package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// Field is one setting that decides what a fold makes of a log.
type Field struct{ Key, Value string }

// Fold describes everything that decides what a fold makes of a log, in a fixed order: the feature map, the topics, the
// decoder, the panes and so on. A state can be resumed only with the description it was folded with.
type Fold []Field

// Fingerprint returns the hexadecimal SHA-256 of the fields: of each key and each value in turn, after its length as
// 64 bits, little endian.
func (f Fold) Fingerprint() string {
	h := sha256.New()
	var n [8]byte
	for _, field := range f {
		for _, s := range [...]string{field.Key, field.Value} {
			binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
			h.Write(n[:])
			h.Write([]byte(s))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Get returns the value of a key, and whether there is one.
func (f Fold) Get(key string) (string, bool) {
	for _, field := range f {
		if field.Key == key {
			return field.Value, true
		}
	}
	return "", false
}

// Resume returns nil if a state that was folded as found can be resumed as f says, else a *[FoldMismatchError] that
// names the first field that differs; object says whose state it is.
func (f Fold) Resume(object string, found Fold) error {
	want, have := f.Fingerprint(), found.Fingerprint()
	if want == have {
		return nil
	}
	e := &FoldMismatchError{Object: object, Want: want, Found: have}
	for _, field := range f {
		if v, ok := found.Get(field.Key); !ok || v != field.Value {
			e.Field, e.WantValue, e.FoundValue = field.Key, field.Value, v
			return e
		}
	}
	for _, field := range found {
		if _, ok := f.Get(field.Key); !ok {
			e.Field, e.FoundValue = field.Key, field.Value
			return e
		}
	}
	// Every field is the same, so it is their order.
	for i, field := range f {
		if field != found[i] {
			e.Field, e.WantValue, e.FoundValue = "the order of fields", field.Key, found[i].Key
			break
		}
	}
	return e
}

func (f Fold) validate() error {
	seen := make(map[string]bool, len(f))
	for _, field := range f {
		if field.Key == "" || seen[field.Key] || !utf8.ValidString(field.Key) || !utf8.ValidString(field.Value) {
			return fmt.Errorf("the fold's field %q = %q: each key must be given once, and both must be valid UTF-8", field.Key, field.Value)
		}
		seen[field.Key] = true
	}
	return nil
}
