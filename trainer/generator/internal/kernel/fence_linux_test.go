package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns n floats between two pages that cannot be touched, either up to
// the end of theirs or from its start.
func fenced(t testing.TB, n int, atEnd bool) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (4*n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(b) })
	if n == 0 {
		return nil
	}
	inner := b[page : page+size]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	from := 0
	if atEnd {
		from = size - 4*n
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&inner[from])), n)
}
