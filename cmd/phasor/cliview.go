package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// cliCommand is a command as completions and the manual see it.
type cliCommand struct {
	Path     string // phasor models promote
	Help     string
	Detail   string
	Commands []*cliCommand
	Flags    []cliFlag
	Args     []cliArg
}

// cliFlag is a flag of a command, with those of the commands above it.
type cliFlag struct {
	Name, Help, Placeholder, Group, Env string
	Aliases                             []string
	Short                               rune
	Switch                              bool // It takes no value.
	Values                              []string
	Files, Folders                      bool // Its value is the name of one.
	Required, Inherited                 bool
}

// cliArg is an argument of a command.
type cliArg struct {
	Name, Help string
	Values     []string
	Files      bool
	Optional   bool
	Many       bool
}

// Name is the last word of the path.
func (c *cliCommand) Name() string { return c.Path[strings.LastIndexByte(c.Path, ' ')+1:] }

// all are a command and those below it.
func (c *cliCommand) all() []*cliCommand {
	list := []*cliCommand{c}
	for _, s := range c.Commands {
		list = append(list, s.all()...)
	}
	return list
}

// viewCLI reads the command line from the parser's model.
func viewCLI() (*cliCommand, error) {
	parser, err := newParser(&cli{}, nil, nil)
	if err != nil {
		return nil, err
	}
	return viewNode(parser.Model.Node, "phasor"), nil
}

func viewNode(n *kong.Node, path string) *cliCommand {
	c := &cliCommand{Path: path, Help: n.Help, Detail: n.Detail}
	own := map[string]bool{}
	for _, f := range n.Flags {
		own[f.Name] = true
	}
	groups := n.AllFlags(true)
	slices.Reverse(groups) // The command's own come first.
	for _, list := range groups {
		for _, f := range list {
			c.Flags = append(c.Flags, viewFlag(f, !own[f.Name]))
		}
	}
	for _, p := range n.Positional {
		a := cliArg{Name: p.Name, Help: p.Help, Files: isFile(p.Tag), Optional: !p.Required, Many: p.IsSlice()}
		if p.Enum != "" {
			a.Values = p.EnumSlice()
		}
		c.Args = append(c.Args, a)
	}
	for _, child := range n.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			c.Commands = append(c.Commands, viewNode(child, path+" "+child.Name))
		}
	}
	return c
}

func viewFlag(f *kong.Flag, inherited bool) cliFlag {
	v := cliFlag{Name: f.Name, Help: f.Help, Aliases: f.Aliases, Short: f.Short, Switch: f.IsBool() || f.IsCounter(), Files: isFile(f.Tag), Required: f.Required, Inherited: inherited}
	v.Folders = f.Tag.Type == "existingdir" || f.PlaceHolder == "DIR"
	v.Files = v.Files || strings.HasPrefix(f.PlaceHolder, "FILE") || strings.HasSuffix(f.PlaceHolder, "FILE")
	if !v.Switch {
		v.Placeholder = strings.TrimPrefix(f.FormatPlaceHolder(), "=")
	}
	if f.Group != nil {
		v.Group = f.Group.Title
	}
	if len(f.Envs) > 0 && f.Name != "help" {
		v.Env = f.Envs[0]
	}
	if f.Enum != "" {
		v.Values = f.EnumSlice()
	}
	return v
}

func isFile(t *kong.Tag) bool { return t.Type == "existingfile" || t.Type == "path" }
