package main

import (
	"fmt"
	"runtime"

	"phasor/metrics"
	"phasor/sketcher/feature"
)

type versionCmd struct{}

// Run runs the command.
func (versionCmd) Run(e *env) error {
	b := metrics.ReadBuild()
	_, err := fmt.Fprint(e.stdout, fields("version", b.Version, "revision", b.Revision, "go", b.GoVersion, "platform", runtime.GOOS+"/"+runtime.GOARCH, "kernel", feature.Kernel()))
	return err
}
