package main

import (
	"fmt"
	"strings"
)

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Command to explain; default: all of them."`
}

// Help is shown by --help.
func (helpCmd) Help() string {
	return `Examples:
  phasor help
  phasor help models promote`
}

// Run shows what --help of the command shows.
func (c *helpCmd) Run(e *env) error {
	parser, err := newParser(&cli{}, e.stdout, e.stderr)
	if err != nil {
		return err
	}
	if have, want := commandOf(parser, c.Command), strings.Join(append([]string{"phasor"}, c.Command...), " "); have != want {
		return usagef("there is no command %q: \"phasor help\" lists them", strings.TrimPrefix(want, "phasor "))
	}
	_, err = parser.Parse(append(c.Command, "--help")) // It shows the help and ends the program.
	return fmt.Errorf("showing the help: %w", err)
}
