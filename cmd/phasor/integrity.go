package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"phasor/snapshot/bucket/mac"
)

// IntegrityConfig says whether objects are signed: who can write the store, and has no key, cannot forge them.
type IntegrityConfig struct {
	KeyFile       string `yaml:"key_file"`       // The first key signs, all verify.
	AllowUnsigned bool   `yaml:"allow_unsigned"` // Believe what is not signed, while a store gets its first key.
}

// keysVariable holds the keys if no file is configured.
const keysVariable = "PHASOR_INTEGRITY_KEY"

// options reads the keys.
func (c IntegrityConfig) options() (o mac.Options, err error) {
	o.AllowUnsigned = c.AllowUnsigned
	switch text := os.Getenv(keysVariable); {
	case c.KeyFile != "":
		if o.Keys, err = mac.ReadKeys(c.KeyFile); err != nil {
			return o, usagef("integrity.key_file: %w", err)
		}
	case text != "":
		if o.Keys, err = mac.ParseKeys(strings.ReplaceAll(text, ",", "\n")); err != nil {
			return o, usagef("%s: %w", keysVariable, err)
		}
	}
	return o, nil
}

type integrityKey struct{}

// setIntegrity makes every store that is opened from now on one whose objects are signed: flags beat the file.
func (e *env) setIntegrity(c IntegrityConfig) error {
	c.KeyFile = cmp.Or(e.keyFlags.KeyFile, c.KeyFile)
	c.AllowUnsigned = c.AllowUnsigned || e.keyFlags.AllowUnsigned
	o, err := c.options()
	if err != nil {
		return err
	}
	e.ctx = context.WithValue(e.ctx, integrityKey{}, o)
	if o.Keys == nil {
		return nil
	}
	e.log.Debug("objects are signed", "keys", o.Keys.IDs())
	if o.AllowUnsigned {
		e.log.Warn("objects that are not signed are believed: sign them with \"phasor sign --unsigned\" and end integrity.allow_unsigned")
	}
	return nil
}

// integrityOf is what setIntegrity set.
func integrityOf(ctx context.Context) mac.Options {
	o, _ := ctx.Value(integrityKey{}).(mac.Options)
	return o
}

// signatureOf says in words who signed an object that lies at a path. Its name in the store is the end of the path,
// which need not be known: the tag verifies under no other.
func signatureOf(keys *mac.Keys, path string, stored []byte) string {
	_, id := mac.Strip(stored)
	switch {
	case id == "":
		return "none"
	case keys == nil:
		return fmt.Sprintf("by the key %s, not verified: give --integrity.key_file", id)
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		if name := strings.Join(parts[i:], "/"); name != "" {
			if _, _, why := keys.Verify(name, stored); why == "" {
				return fmt.Sprintf("by the key %s, verified as %s", id, name)
			}
		}
	}
	return fmt.Sprintf("not verified: the keys given did not sign it under the name of %s", path)
}
