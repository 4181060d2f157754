// Package safetensors reads and writes the one file format of Phasor: named
// tensors behind a JSON header, as the safetensors libraries for Python, Rust
// and JavaScript read them, restricted so that a file has exactly one spelling
// and carries its own checksum.
//
// # FORMAT
//
// Version 1, all integers little endian:
//
//	8 bytes    N, the length of the header, a multiple of 8
//	N bytes    the header, JSON in UTF-8, padded at its end with spaces
//	the rest   the tensors' bytes, one after the other without gaps
//
// The header is one object without white space outside strings:
//
//	{"__metadata__":{"KEY":"VALUE",...},"NAME":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},...}
//
// Every part of it is determined by what it says:
//
//   - `__metadata__` comes first and is always there, its keys sorted bytewise.
//   - Tensors follow by element size, largest first, then by name bytewise, and
//     their bytes lie in that order. The data starts at a multiple of 8 and
//     each tensor at a multiple of its element size.
//   - An entry holds dtype, shape and data_offsets, in that order. Offsets are
//     counted from the end of the header, the first one inclusive, the second
//     exclusive. Numbers are decimal, without sign, fraction or leading zero.
//   - Of a string, only `"`, `\` and the bytes below 0x20 are escaped: as \",
//     \\, \b, \t, \n, \f, \r, or \u00xx in lowercase for the others.
//   - Names and keys are unique, names are not empty and not `__metadata__`.
//   - The header has at most 100 000 000 bytes, the bound of the stock readers.
//
// The element types are F64, I64, F32, I32 and U8. A shape without entries is
// a scalar; an entry may be zero.
//
// `sha256` is a key of the metadata: the lowercase hexadecimal SHA-256 of the
// whole file with these 64 digits replaced by 64 zeros ('0'). It covers the
// length field, the header and the data.
//
// [Decode] refuses, with [ErrCorrupt], whatever [Encode] would not write byte
// for byte: every flipped bit and every truncation is noticed, and equal
// contents have equal bytes.
package safetensors
