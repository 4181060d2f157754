package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell to write for: bash, zsh or fish."`
}

// Help is shown by --help.
func (completionCmd) Help() string {
	return `Examples:
  source <(phasor completion bash)
  phasor completion bash > /etc/bash_completion.d/phasor
  phasor completion zsh > "${fpath[1]}/_phasor"
  phasor completion fish > ~/.config/fish/completions/phasor.fish`
}

// Run runs the command.
func (c *completionCmd) Run(e *env) error {
	root, err := viewCLI()
	if err != nil {
		return err
	}
	write := map[string]func(*cliCommand) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err = io.WriteString(e.stdout, write(root))
	return err
}

// words are all flags of a command as they are written.
func (c *cliCommand) words() []string {
	var w []string
	for _, f := range c.Flags {
		w = append(w, "--"+f.Name)
	}
	return w
}

// valued calls use for each of its own flags that takes a value, with the patterns of a
// case of bash or zsh: the command's path and below, and one of the flag's names.
func (c *cliCommand) valued(use func(patterns string, f *cliFlag)) {
	for i := range c.Flags {
		f := &c.Flags[i]
		if f.Switch || f.Inherited {
			continue
		}
		names := []string{"--" + f.Name}
		for _, a := range f.Aliases {
			names = append(names, "--"+a)
		}
		if f.Short != 0 {
			names = append(names, "-"+string(f.Short))
		}
		for i, n := range names {
			names[i] = fmt.Sprintf("%q*\" %s\"", c.Path, n)
		}
		use(strings.Join(names, "|"), f)
	}
}

// argValues are the words that stand for arguments, and whether files do.
func (c *cliCommand) argValues() (words []string, files bool) {
	for _, a := range c.Args {
		words = append(words, a.Values...)
		files = files || a.Files
	}
	return words, files
}

// shQuote quotes a word for any of the shells.
func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// paths lists the commands below each, as patterns of a case: what leads from one to the next.
func paths(root *cliCommand) string {
	var p []string
	for _, c := range root.all()[1:] {
		p = append(p, `"`+c.Path+`"`)
	}
	return strings.Join(p, "|")
}

func bashCompletion(root *cliCommand) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of phasor for bash, written by "phasor completion bash".
_phasor() {
  local cur prev path=phasor word i commands= flags= values= kind=
  cur=${COMP_WORDS[COMP_CWORD]}
  prev=${COMP_WORDS[COMP_CWORD-1]}
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$path $word" in
      %s) path="$path $word" ;;
    esac
  done
  case "$path" in
`, paths(root))
	for _, c := range root.all() {
		names := c.commandNames()
		args, files := c.argValues()
		kind := ""
		if files {
			kind = " kind=file"
		}
		if c.Path == "phasor help" {
			args = root.commandNames()
		}
		fmt.Fprintf(&b, "    %q) commands=%q flags=%q%s ;;\n", c.Path, strings.Join(append(names, args...), " "), strings.Join(c.words(), " "), kind)
	}
	b.WriteString("  esac\n  case \"$path $prev\" in\n")
	for _, c := range root.all() {
		c.valued(func(patterns string, f *cliFlag) {
			switch {
			case len(f.Values) > 0:
				fmt.Fprintf(&b, "    %s) values=%q ;;\n", patterns, strings.Join(f.Values, " "))
			case f.Folders:
				fmt.Fprintf(&b, "    %s) kind=folder values=- ;;\n", patterns)
			case f.Files:
				fmt.Fprintf(&b, "    %s) kind=file values=- ;;\n", patterns)
			default:
				fmt.Fprintf(&b, "    %s) kind=none values=- ;;\n", patterns)
			}
		})
	}
	b.WriteString(`  esac
  COMPREPLY=()
  if [[ -n $values ]]; then
    case "$kind" in
      file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
      folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
      none) ;;
      *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur") ;;
    esac
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  elif [[ $kind == file ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur"; compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
  fi
}
complete -o filenames -o bashdefault -F _phasor phasor
`)
	return b.String()
}

func zshCompletion(root *cliCommand) string {
	var b strings.Builder
	described := func(name, help string) string {
		return shQuote(strings.ReplaceAll(name, ":", `\:`) + ":" + strings.ReplaceAll(help, ":", `\:`))
	}
	fmt.Fprintf(&b, `#compdef phasor
# Completion of phasor for zsh, written by "phasor completion zsh".
_phasor() {
  local at=phasor word
  local -a commands flags choices
  local files=
  for word in ${words[2,CURRENT-1]}; do
    case "$at $word" in
      %s) at="$at $word" ;;
    esac
  done
  case "$at" in
`, paths(root))
	for _, c := range root.all() {
		var names, flags []string
		for _, s := range c.Commands {
			names = append(names, described(s.Name(), s.Help))
		}
		args, files := c.argValues()
		for _, a := range args {
			names = append(names, described(a, ""))
		}
		if c.Path == "phasor help" {
			for _, s := range root.Commands {
				names = append(names, described(s.Name(), s.Help))
			}
		}
		for _, f := range c.Flags {
			flags = append(flags, described("--"+f.Name, f.Help))
		}
		fmt.Fprintf(&b, "    %q)\n      commands=(%s)\n      flags=(%s)\n", c.Path, strings.Join(names, " "), strings.Join(flags, " "))
		if files {
			b.WriteString("      files=1\n")
		}
		b.WriteString("      ;;\n")
	}
	b.WriteString("  esac\n  case \"$at ${words[CURRENT-1]}\" in\n")
	for _, c := range root.all() {
		c.valued(func(patterns string, f *cliFlag) {
			do := "return 1"
			switch {
			case len(f.Values) > 0:
				do = "choices=(" + strings.Join(f.Values, " ") + "); _describe value choices; return"
			case f.Folders:
				do = "_files -/; return"
			case f.Files:
				do = "_files; return"
			}
			fmt.Fprintf(&b, "    %s) %s ;;\n", patterns, do)
		})
	}
	b.WriteString(`  esac
  if [[ ${words[CURRENT]} == -* ]]; then
    _describe option flags
    return
  fi
  [[ -z $files ]] || _files
  _describe command commands
}
if [[ $funcstack[1] == _phasor ]]; then
  _phasor "$@"
else
  compdef _phasor phasor
fi
`)
	return b.String()
}

func fishCompletion(root *cliCommand) string {
	var b strings.Builder
	var list []string
	for _, c := range root.all()[1:] {
		list = append(list, shQuote(c.Path))
	}
	fmt.Fprintf(&b, `# Completion of phasor for fish, written by "phasor completion fish".
function __phasor_path
    set -l at phasor
    for word in (commandline -opc)[2..]
        if contains -- "$at $word" %s
            set at "$at $word"
        end
    end
    echo $at
end
function __phasor_at
    set -l at (__phasor_path)
    contains -- "$at" $argv
end
complete -c phasor -f
`, strings.Join(list, " "))
	for _, c := range root.all() {
		at := fmt.Sprintf("-n \"__phasor_at '%s'\"", c.Path)
		for _, s := range c.Commands {
			fmt.Fprintf(&b, "complete -c phasor %s -a %s -d %s\n", at, shQuote(s.Name()), fishQuote(s.Help))
		}
		args, files := c.argValues()
		if c.Path == "phasor help" {
			args = root.commandNames()
		}
		if len(args) > 0 {
			fmt.Fprintf(&b, "complete -c phasor %s -a %s\n", at, shQuote(strings.Join(args, " ")))
		}
		if files {
			fmt.Fprintf(&b, "complete -c phasor %s -F\n", at)
		}
		for _, f := range c.Flags {
			line := fmt.Sprintf("complete -c phasor %s -l %s -d %s", at, f.Name, fishQuote(f.Help))
			if f.Short != 0 {
				line += " -s " + string(f.Short)
			}
			switch {
			case f.Switch:
			case len(f.Values) > 0:
				line += " -x -a " + shQuote(strings.Join(f.Values, " "))
			case f.Folders:
				line += " -x -a '(__fish_complete_directories)'"
			case f.Files:
				line += " -r -F"
			default:
				line += " -x"
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// fishQuote quotes for fish, whose quotes know two escapes.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// commandNames lists what can follow the program's name.
func (c *cliCommand) commandNames() []string {
	var names []string
	for _, s := range c.Commands {
		names = append(names, s.Name())
	}
	slices.Sort(names)
	return names
}
