package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

type manCmd struct{}

// Help is shown by --help.
func (manCmd) Help() string {
	return `Examples:
  phasor man > /usr/local/share/man/man1/phasor.1
  phasor man | man -l -

It prints the manual of all commands in the language of man(7).`
}

// Run runs the command.
func (manCmd) Run(e *env) error {
	root, err := viewCLI()
	if err != nil {
		return err
	}
	b := readBuild()
	_, err = io.WriteString(e.stdout, manual(root, b.Version, buildDay(b)))
	return err
}

// buildDay is the day of the sources or, where that is not known, of the program's file.
func buildDay(b build) string {
	if t, err := time.Parse(time.RFC3339, b.Committed); err == nil {
		return t.Format(time.DateOnly)
	}
	if name, err := os.Executable(); err == nil {
		if info, err := os.Stat(name); err == nil {
			return info.ModTime().UTC().Format(time.DateOnly)
		}
	}
	return "1970-01-01"
}

// roff writes a manual page.
type roff struct{ strings.Builder }

var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// text escapes a line so that nothing in it is a request.
func (r *roff) text(s string) string {
	s = roffEscapes.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

func (r *roff) line(format string, a ...any) { fmt.Fprintf(r, format+"\n", a...) }

// last is the line that was written last.
func (r *roff) last() string {
	s := strings.TrimSuffix(r.String(), "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// filled writes a paragraph in short lines.
func (r *roff) filled(s string) {
	line := ""
	for _, w := range strings.Fields(s) {
		if line != "" && len(line)+len(w) > 70 {
			r.line("%s", r.text(line))
			line = ""
		}
		line = strings.TrimPrefix(line+" "+w, " ")
	}
	if line != "" {
		r.line("%s", r.text(line))
	}
}

// quoted is an argument of a request.
func (r *roff) quoted(s string) string {
	return `"` + strings.ReplaceAll(roffEscapes.Replace(s), `"`, `\(dq`) + `"`
}

// literal writes lines as they are.
func (r *roff) literal(lines []string) {
	r.line(".PP")
	r.line(".nf")
	r.line(".RS 4")
	for _, l := range lines {
		r.line("%s", cmp.Or(r.text(l), `\&`))
	}
	r.line(".RE")
	r.line(".fi")
}

// prose writes paragraphs; lines that are indented, or follow each other as a table, stay as they are.
func (r *roff) prose(text string) {
	for _, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		lines := strings.Split(strings.Trim(paragraph, "\n"), "\n")
		for len(lines) > 0 {
			indented := func(l string) bool { return strings.HasPrefix(l, "  ") }
			n := slices.IndexFunc(lines, func(l string) bool { return indented(l) != indented(lines[0]) })
			if n < 0 {
				n = len(lines)
			}
			if indented(lines[0]) {
				r.literal(lines[:n])
			} else if lines[0] != "" {
				if !strings.HasPrefix(r.last(), ".SH") {
					r.line(".PP")
				}
				r.filled(strings.Join(lines[:n], " "))
			}
			lines = lines[n:]
		}
	}
}

// manual is the page of all commands.
func manual(root *cliCommand, version, day string) string {
	r := &roff{}
	r.line(`.TH PHASOR 1 "%s" %s "User Commands"`, day, r.quoted("phasor "+version))
	r.line(".SH NAME")
	r.line(`phasor \- sketches of Kafka streams, generators fitted to them, drift alarms`)
	r.line(".SH SYNOPSIS")
	for i, c := range root.Commands {
		if i > 0 {
			r.line(".br")
		}
		r.line(".B %s", r.text(c.Path))
		r.line("%s", r.text(synopsis(c)))
	}
	r.line(".SH DESCRIPTION")
	r.prose("Phasor turns a Kafka stream of sensor or log records into a mergeable sketch of constant size, keeps a generator fresh from the sketch alone, and tells when the stream drifts. " +
		"Results go to standard output; the log, warnings and progress go to standard error.")
	r.line(".SH GLOBAL OPTIONS")
	for _, f := range root.Flags {
		r.flag(&f)
	}
	r.line(".SH COMMANDS")
	for _, c := range root.all()[1:] {
		r.command(c)
	}
	r.line(".SH ENVIRONMENT")
	r.prose("Each flag can be given as a variable: PHASOR_KAFKA_BROKERS for --kafka.brokers. Flags beat variables, variables beat the file of --config. An empty variable is the same as none.")
	for _, v := range [][2]string{{"PHASOR_KAFKA_PASSWORD", "Password of kafka.sasl, where kafka.sasl.password_file names no file."}, {"PHASOR_KERNEL", "Kernel in place of the fastest: avx512vnni, avx512, avx2 or portable. All give equal bytes."},
		{"GOMEMLIMIT, GOMAXPROCS", "Limits of the Go runtime: memory before the collector works harder, processors."}} {
		r.line(".TP\n.B %s", r.text(v[0]))
		r.filled(v[1])
	}
	r.line(".SH FILES")
	r.prose(configHelp)
	r.line(".SH EXIT STATUS")
	for _, v := range [][2]string{{"0", "All is well."}, {"1", "Something failed; the last line of standard error says what and what to do."}, {"2", "It was asked wrongly: the command line, the environment or the configuration."}} {
		r.line(".TP\n.B %s", v[0])
		r.filled(v[1])
	}
	return r.String()
}

// synopsis is what follows the name of a command.
func synopsis(c *cliCommand) string {
	parts := []string{}
	if len(c.Commands) > 0 {
		var names []string
		for _, s := range c.Commands {
			names = append(names, s.Name())
		}
		return strings.Join(names, " | ")
	}
	for _, f := range c.Flags {
		if f.Required && !f.Inherited {
			parts = append(parts, "--"+f.Name+"="+f.Placeholder)
		}
	}
	parts = append(parts, "[options]")
	for _, a := range c.Args {
		name := strings.ToUpper(a.Name)
		if a.Many {
			name += "..."
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

func (r *roff) command(c *cliCommand) {
	r.line(".SS %s", r.quoted(c.Path+" "+synopsis(c)))
	r.filled(c.Help)
	for _, a := range c.Args {
		r.line(".TP\n.I %s", r.text(strings.ToUpper(a.Name)))
		r.filled(cmp.Or(a.Help, "Argument."))
	}
	for _, f := range c.Flags {
		if !f.Inherited {
			r.flag(&f)
		}
	}
	detail := strings.TrimSuffix(c.Detail, configHelp)
	if detail != c.Detail {
		detail += "\n\nThe keys of its file stand under FILES."
	}
	if detail != "" {
		r.prose(detail)
	}
}

func (r *roff) flag(f *cliFlag) {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	r.line(".TP")
	if f.Switch {
		r.line(`\fB%s\fR`, r.text(name))
	} else {
		r.line(`\fB%s\fR=\fI%s\fR`, r.text(name), r.text(f.Placeholder))
	}
	text := f.Help
	if len(f.Values) > 0 && !strings.Contains(text, f.Values[len(f.Values)-1]) {
		text += " One of " + strings.Join(f.Values, ", ") + "."
	}
	r.filled(text)
}
