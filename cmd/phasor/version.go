package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"phasor/metrics"
	"phasor/sketcher/feature"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print one JSON line."`
}

// Help is shown by --help.
func (versionCmd) Help() string {
	return `Examples:
  phasor version
  phasor version --json

The kernel is the one that folds and fits here: the fastest that the processor has, or that of PHASOR_KERNEL.`
}

// build is what this program says of itself.
type build struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	Dirty     bool   `json:"dirty"` // The sources had changes that are in no revision.
	Committed string `json:"committed,omitempty"`
	Go        string `json:"go"`
	Platform  string `json:"platform"`
	Level     string `json:"level"` // GOAMD64 and its like: what the compiler may use.
	Tags      string `json:"tags,omitempty"`
	Kernel    string `json:"kernel"`
	Kernels   int    `json:"kernels"` // That run here.
}

func readBuild() build {
	m := metrics.ReadBuild()
	b := build{Version: m.Version, Revision: m.Revision, Go: m.GoVersion, Platform: runtime.GOOS + "/" + runtime.GOARCH, Kernel: feature.Kernel(), Kernels: len(feature.Kernels())}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.take(info.Settings)
	}
	return b
}

// take notes what the compiler was told.
func (b *build) take(settings []debug.BuildSetting) {
	for _, s := range settings {
		switch s.Key {
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		case "vcs.time":
			b.Committed = s.Value
		case "GOAMD64", "GOARM64", "GORISCV64", "GOPPC64":
			b.Level = s.Key + "=" + s.Value
		case "-tags":
			b.Tags = s.Value
		}
	}
}

// revision is the revision for people.
func (b *build) revision() string {
	if b.Dirty {
		return b.Revision + " and changes"
	}
	return b.Revision
}

// Run runs the command.
func (c *versionCmd) Run(e *env) error {
	b := readBuild()
	if c.JSON {
		return printJSON(e.stdout, b)
	}
	_, err := fmt.Fprint(e.stdout, fields("version", b.Version, "revision", b.revision(), "committed", cmp.Or(b.Committed, "unknown"), "go", b.Go, "platform", b.Platform,
		"compiled for", cmp.Or(b.Level, "the least of its kind"), "tags", cmp.Or(b.Tags, "none"), "kernel", b.Kernel))
	return err
}
