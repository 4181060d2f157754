//go:build race

package kafka

// raced says that the race detector is on.
const raced = true
