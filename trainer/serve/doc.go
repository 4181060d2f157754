// Package serve answers requests over HTTP with the model of one sketch: it draws records, says how odd records are, fills
// in what is missing, removes noise, and recovers records from measurements.
//
//	GET  /v1/model         what is served
//	POST /v1/sample        records from the model
//	POST /v1/score         how odd records are
//	POST /v1/impute        records with their missing channels filled in
//	POST /v1/denoise       records without their noise
//	POST /v1/recover       records from linear measurements of them
//	POST /v1/deconvolve    records that are windows of a signal, from their convolution with a kernel
//	GET  /v1/openapi.json  the OpenAPI document, which has an example of each
//
// Bodies are JSON. What is wrong with a request is said as application/problem+json (RFC 9457): 400 if it cannot be read,
// 404, 405, 413, 415, 422 if it can be read but not answered, 503 if there is no model yet or too much to do.
//
// # Versions
//
// [Server.Watch] looks for the version that is to be served, builds everything that requests need of it, and then
// exchanges one pointer. A request takes the pointer once, so that it is answered by one version from beginning to end,
// and none waits for a new one.
//
// # Limits
//
// [Limits] bound a body, the records in it, the requests at a time, how long they wait for their turn, and how long they
// take. What was prepared for a kind of measurement is kept for the next request of that kind, up to a bound in memory.
package serve
