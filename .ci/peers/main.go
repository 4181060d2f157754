// Command peers holds the Go side of the comparisons of .ci/peers: what Phasor does, and what a user of Go would pick
// instead. The scripts beside it start it.
//
//	peers worker PART         answers requests on standard input; see worker.go
//	peers fill  -brokers A -topic T -partitions P -records N -kind small|json
//	peers read  -brokers A -topic T -partitions P -records N -client phasor|franz-go
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 1 {
		return fmt.Errorf("give worker, fill or read")
	}
	switch args[0] {
	case "worker":
		if len(args) == 2 {
			if part, ok := parts[args[1]]; ok {
				return serve(os.Stdin, os.Stdout, part)
			}
		}
		return fmt.Errorf("worker %q: give one of sketch, step, decode and linear", args[1:])
	case "fill":
		return fill(args[1:])
	case "read":
		return read(args[1:])
	}
	return fmt.Errorf("%q: give worker, fill or read", args[0])
}
