package main

import (
	"errors"
	"fmt"
	"strings"

	"phasor/snapshot/bucket/mac"
)

type signCmd struct {
	Store    string `required:"" help:"Store whose objects are signed." placeholder:"URL"`
	Unsigned bool   `help:"Sign objects that nobody has signed, too: they are believed from then on."`
	JSON     bool   `name:"json" help:"Print one JSON line."`
}

// Help is shown by --help.
func (signCmd) Help() string {
	return `Examples:
  openssl rand -hex 32 > keys && chmod 600 keys
  phasor sign --store s3://bucket/prefix --unsigned --integrity.key_file keys
  phasor sign --store /var/lib/phasor --integrity.key_file keys

The first key of the file signs, all of them verify. For a new key: write it below the old one and restart every role;
write it above the old one and restart them; stop them, run this command, and take the old key out of the file.

Stop the roles that write the store first: an object that they replace meanwhile may be undone. What is signed with none
of the keys is left as it is, and the exit code is 1.`
}

// Run runs the command.
func (c *signCmd) Run(e *env) error {
	o := integrityOf(e.ctx)
	if o.Keys == nil {
		return usagef("there is no key to sign with: name a file of them with --integrity.key_file, or set %s", keysVariable)
	}
	if err := checkFolder(c.Store); err != nil {
		return err
	}
	b, err := openPlain(e.ctx, c.Store)
	if err != nil {
		return err
	}
	defer b.Close() // Each write was checked.
	objects, err := b.List(e.ctx, "")
	if err != nil {
		return err
	}
	counts := map[mac.Outcome]int{}
	progress := newBar(e, "Signing", int64(len(objects)))
	defer progress.close()
	for _, object := range objects {
		if strings.HasPrefix(object.Name, probePrefix) {
			continue
		}
		done, why, err := mac.Resign(e.ctx, b, o.Keys, object.Name, c.Unsigned)
		if err != nil {
			return err
		}
		if done == mac.Refused {
			e.log.Error("not signed", "object", object.Name, "err", why)
		}
		counts[done]++
		progress.add(1)
	}
	if c.JSON {
		if err := printJSON(e.stdout, counts); err != nil {
			return err
		}
	} else {
		for _, done := range []mac.Outcome{mac.Current, mac.Resigned, mac.Signed, mac.Unsigned, mac.Refused} {
			fmt.Fprint(e.stdout, fields(string(done), counts[done]))
		}
	}
	var errs []error
	if n := counts[mac.Refused]; n > 0 {
		errs = append(errs, fmt.Errorf("%d objects are signed with none of the keys: give the key that they were signed with, or restore them from a backup", n))
	}
	if n := counts[mac.Unsigned]; n > 0 {
		errs = append(errs, fmt.Errorf("%d objects are not signed: give --unsigned if they are to be believed", n))
	}
	return errors.Join(errs...)
}
