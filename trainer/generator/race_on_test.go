//go:build race

package generator

// raced says that the race detector is on, which slows numbers down tenfold.
const raced = true
