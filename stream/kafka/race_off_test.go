//go:build !race

package kafka

const raced = false
