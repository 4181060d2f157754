//go:build !amd64 || noasm

package kernel

// available lists the kernels that run here, the fastest first.
var available = []*Set{portable}
