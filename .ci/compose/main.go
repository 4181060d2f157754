// Command compose checks compose files with the loader that docker compose itself uses, and what the loader does not
// look at: that files which are mounted exist, that nothing is published beyond this machine, and that the services of
// our own image are confined. It prints nothing if all is well.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	bad := false
	for _, path := range os.Args[1:] {
		for _, p := range check(path) {
			fmt.Printf("%s: %s\n", path, p)
			bad = true
		}
	}
	if bad || len(os.Args) < 2 {
		os.Exit(1)
	}
}

// check returns what is wrong with a file.
func check(path string) []string {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithoutEnvironmentResolution)
	if err != nil {
		return []string{err.Error()}
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for name, s := range project.Services {
		complain := func(format string, args ...any) {
			found = append(found, name+": "+fmt.Sprintf(format, args...))
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				complain("mounts what is not there: %v", err)
			}
			if !v.ReadOnly {
				complain("may write to %s", v.Source)
			}
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				complain("publishes port %s on %q: only 127.0.0.1 is for everybody's machine", p.Published, p.HostIP)
			}
		}
		if s.Build == nil {
			continue
		}
		if _, err := os.Stat(s.Build.Context + "/" + s.Build.Dockerfile); err != nil {
			complain("is built from what is not there: %v", err)
		}
		if !s.ReadOnly || s.Privileged || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.MemLimit == 0 {
			complain("is not confined: it needs read_only, cap_drop ALL, no-new-privileges and a mem_limit")
		}
	}
	slices.Sort(found)
	return found
}
