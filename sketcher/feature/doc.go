// Package feature is the feature map of a sketch: what turns a record into the
// phases whose sines and cosines are added.
//
// A record of d channels x_k becomes integers, each the channel in units of 2^-16
// standard units,
//
//	q_k = int32(rne(clamp((T_k(x_k) - offset_k) scale_k 2^16, ±(2^23 - 1))))
//
// in binary64 with every difference and product rounded by itself, T_k one of
// three transforms, and rne rounding half to even. A frequency is d integers
// omega_jk in 2^-16 turns per standard unit, and the feature is
//
//	phi_j(x) = exp(2 pi i p 2^-32),   p = sum_k q_k omega_jk mod 2^32
//
// Its parts are rounded to integers, a = 2^22 (1 - cos) and b = 2^22 sin, by an
// arithmetic that every processor reproduces; their error is below 1e-6 of the
// unit circle. The sums of a and b over records are the sketch [S20]. A [Map]
// adds them, and with them moments, extremes and histograms of the channels.
//
// A [Spec] holds all that decides these numbers. Calibrate makes one from a pilot
// of records.
//
// [S20] Schellekens and Jacques, Compressive learning of generative networks,
// ESANN 2020, arXiv 2002.05095.
//
// # Kernels
//
// The sums are computed by the fastest kernel that the processor supports, all
// with equal results: avx512vnni, avx512, avx2 or portable. The environment
// variable PHASOR_KERNEL forces one; [NewMap] fails if it is not available. The
// build tag noasm leaves the portable one only. See [Kernel].
//
// # Format
//
// A spec is a safetensors file of format phasor.spec/1 with the tensors
//
//	omega             I32 [m,d]    frequencies, 2^-16 turns per standard unit
//	offset, scale     F64 [d]      standard units: (T(x) - offset) scale
//	histogram.edges   I32 [d,129]  q units; bin b holds edge[b] <= q < edge[b+1]
//	histogram.values  I32 [d,128]  q units; the value that stands for a bin
//	histogram.exact   F64 [d,128]  physical units; the stored value of a bin that has one, else NaN;
//	                               absent in specs without
//	drift.rotation    F32 [r,d]    rows of principal components over their deviations
//	drift.components  F32 [2m,k]   kernel principal components: cosines, then sines
//
// and the metadata format, map (the fingerprint), channels, transforms and kinds
// (JSON arrays of d strings), law, law.parameters (a JSON object of strings),
// seed, pilot and features (decimal), and sha256.
//
// # Fingerprint
//
// The fingerprint of a map is the SHA-256 of these bytes, integers and binary64 in
// little endian, a text as its length in 8 bytes and then its UTF-8:
//
//	text "phasor.map"
//	version of the map (1), d, m           8 bytes each
//	for each channel:
//	    text name, text transform
//	    offset, scale                      8 bytes each
//	omega, by rows                         4 bytes each
//	histogram edges, by rows               4 bytes each
package feature
