// Package onnx writes generators and amortised inverses as ONNX models, which other programs run without Phasor.
//
// [Generator] returns a graph with
//
//	latent  FLOAT  [N, k]   normal numbers of variance 1, one row a record
//	record  DOUBLE [N, d]   the records in physical units, channels in the order of the model's
//
// It holds the network in single precision and behind it the output map and the inverse transforms in double precision,
// so that a stored value comes out as it was. Only operators of the standard domain in opset 17 are used. The metadata
// of the model have the channels' names (a JSON list), the fingerprint of the feature map and the records that were fitted.
//
// [Inverse] returns that of a network that solves an inverse problem in one pass.
//
// The bytes are written field by field as the protocol buffers of onnx.proto ask for. Equal models have equal bytes.
package onnx
