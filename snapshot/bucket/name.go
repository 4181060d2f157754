package bucket

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a name: what every store can hold, with room for a prefix of the
// store's own (S3 keys have at most 1024 bytes, files' names 255).
const (
	MaxName    = 900
	MaxElement = 255
)

// ValidName tells whether a name is one that every driver takes: elements
// between slashes, of valid UTF-8, none of them empty, "." or "..", or
// beginning with '~', which the drivers use for themselves; without backslashes
// and control characters; at most [MaxName] bytes in all and [MaxElement] in an
// element.
func ValidName(name string) error {
	if len(name) > MaxName {
		return fmt.Errorf("bucket: a name of %d bytes, %.60q…: at most %d are allowed", len(name), name, MaxName)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("bucket: name %q: not valid UTF-8", name)
	}
	for element := range strings.SplitSeq(name, "/") {
		if why := wrong(element); why != "" {
			return fmt.Errorf("bucket: name %q: an element %s", name, why)
		}
	}
	return nil
}

// ValidPrefix tells whether a valid name can begin with prefix.
func ValidPrefix(prefix string) error {
	whole := prefix
	for range utf8.UTFMax - 1 { // it may end within a character
		if r, n := utf8.DecodeLastRuneInString(whole); r != utf8.RuneError || n != 1 {
			break
		}
		whole = whole[:len(whole)-1]
	}
	if ValidName(whole) == nil {
		return nil
	}
	// Another byte completes what ends in a slash, "." or "..".
	if err := ValidName(whole + "_"); err != nil {
		return fmt.Errorf("bucket: no name begins with %.60q: %w", prefix, err)
	}
	return nil
}

func wrong(element string) string {
	switch {
	case element == "":
		return "is empty"
	case element == "." || element == "..":
		return "is " + element
	case element[0] == '~':
		return "begins with '~', which is reserved"
	case len(element) > MaxElement:
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(element), MaxElement)
	}
	for i := range len(element) {
		if c := element[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return fmt.Sprintf("contains the byte %#02x", c)
		}
	}
	return ""
}
