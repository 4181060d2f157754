// Package decode turns the bytes of one record into a vector of d channels.
//
// A decoder is a function of its Config and of its own State, and of nothing
// else: the same records in the same order give the same vectors, on any machine
// and after any restart that restores the state. What the number of a schema in a
// registry stands for never changes, and is taken for a part of the record.
//
// # Formats
//
//	json      one JSON value a record; each channel is named by a path
//	csv       one row a record; columns by name (csv.header) or by position
//	float32   d little-endian IEEE 754 values
//	float64   the same with 8 bytes each
//	tags      long form: {tag, value, time} records, assembled into one vector a tick
//	log       a line of text: numbers of its fields, and features of its message
//	avro      a value in Avro's binary encoding, of the schema of a file or a registry
//	protobuf  a Protobuf message, described by a file of descriptors
//
// Any of them can be turned into windows, the last values of each key. FORMATS.md
// describes logs, Avro, Protobuf, layouts of times and windows in full. Records of a
// schema registry are to be prepared: see Prepare.
//
// # Paths
//
// A path is a list of names joined by dots: readings.temp_c. An element of an
// array is written values[3] or values.3, counted from 0; both forms also
// match the name "3" of an object. A backslash takes the next byte literally,
// so that a\.b is the one name "a.b". An optional leading "$" is the whole
// value: $ alone, $.a.b and $[0] are allowed. An empty path means the
// channel's name, read as a path.
//
// # Accepted JSON
//
// The grammar is RFC 8259, and a record is accepted exactly when
// encoding/json.Valid accepts it, including its limit of 10,000 nested
// containers; everything that is skipped is checked too. Of equal names in one
// object the last one counts, with all that is below it. Names are compared
// after their escapes are resolved. Bytes in a string that are not UTF-8 are
// let through, as encoding/json does; they never equal a configured name,
// because configured names must be UTF-8. An escaped surrogate without its
// partner stands for U+FFFD.
//
// Numbers are what strconv.ParseFloat makes of them, to the last bit; one
// beyond the range of float64 is infinite, and its record is rejected as
// nonfinite.
//
// # Reasons
//
// A record is rejected for the first of these that holds:
//
//	tombstone   it has no value
//	oversize    it is longer than MaxBytes
//	decode      its bytes do not follow the grammar of the format
//	dimension   a row or raw record has the wrong number of values
//	filtered    a field of Where differs or is absent; a tag that is no channel;
//	            a line that does not match, with log.unmatched: skip
//	schema      the time field is absent or no time; a channel has the wrong type
//	dimension   the array of channels has the wrong length
//	nonfinite   a channel is infinite, or NaN unless Missing is "last"
//	schema      a channel is absent or null and nothing may stand in for it;
//	            the key of a window is absent
//
// # Missing values
//
// With Missing "last", a channel that is absent, null or NaN takes the last
// value that it had, and is counted in Result.Missing. A channel that never had a
// value rejects the record as schema; the record's other values are remembered,
// so that channels which report one at a time come together. Records rejected
// for any other reason leave no trace.
package decode
