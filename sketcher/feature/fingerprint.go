package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// version is the version of the map: of the arithmetic from a record to the
// integers of its sketch.
const version = 1

// Fingerprint returns the SHA-256, in hexadecimal, of all that decides the
// integers of a sketch; sketches of equal fingerprints can be merged. See the
// package comment for the bytes that are hashed. It panics if s is not valid.
func (s *Spec) Fingerprint() string {
	if err := s.Validate(); err != nil {
		panic(err)
	}
	h := sha256.New()
	buffer := make([]byte, 0, 1<<16)
	flush := func() {
		h.Write(buffer)
		buffer = buffer[:0]
	}
	text := func(v string) {
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(len(v)))
		buffer = append(buffer, v...)
		flush()
	}
	integers := func(v []int32) {
		for _, x := range v {
			buffer = binary.LittleEndian.AppendUint32(buffer, uint32(x))
			if len(buffer) > cap(buffer)-8 {
				flush()
			}
		}
		flush()
	}
	text("phasor.map")
	for _, n := range []int{version, s.Dim(), s.Features} {
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(n))
	}
	for k, c := range s.Channels {
		text(c.Name)
		text(c.Transform.String())
		buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(s.Offset[k]))
		buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(s.Scale[k]))
	}
	flush()
	integers(s.Omega)
	integers(s.Edges)
	return hex.EncodeToString(h.Sum(nil))
}
