// Package mac signs objects, so that who can write a store but has no key
// cannot forge what is read from it.
//
// The tag of an object is
//
//	HMAC-SHA-256(key, "phasor.object/1" || len(name) || name || data)
//
// with the length in 8 bytes, little endian. The name is under the tag: an
// object does not verify under another name, also not under that of another
// partition, offset, version or sketch. The name begins at the top of the store;
// two stores of one key could exchange objects, so each should have its own.
//
// # Where the tag is kept
//
// In the object itself, 88 bytes longer than the data, at a place that readers
// of its format pass over:
//
//	safetensors      the first entry of __metadata__
//	a JSON object    its first member
//	anything else    at the end, as an unknown field of a protobuf message, which is what an ONNX file is
//
// In the first two the text is "hmac.sha256":"ID.TAG", with the key's id of 6
// and the tag's 64 hexadecimal digits; in the last it is hmac.sha256:ID.TAG. So
// stock readers of safetensors, JSON and ONNX read signed objects; the sha256 in
// the metadata of a safetensors file is that of the file without the entry. The
// data are what is left when the 88 bytes are taken out (and off the length of a
// safetensors header), byte for byte, before anything is parsed.
//
// The alternative, a sibling object with the tag, takes two writes. A crash or
// another writer between them leaves a tag of other bytes, so that create-if-
// absent decides on one of the two only; each read and each write costs two
// requests. A tag inside the object is written, replaced, copied, listed, torn
// and removed with it.
//
// # What is not protected
//
// Who can write the store can delete objects, and can put back an older object
// that was signed under the same name. Versions or retention locks of the store
// are against that.
package mac
