// Package kafka reads and writes Kafka topics: a stream.Source for members of a consumer group and one for fixed
// partitions, and the few administrative calls that Phasor needs. It is the only package that imports kafka-go.
//
// kafka-go's Transport gives connections, TLS, SASL and the negotiation of versions. What is sent over them for data is
// ours: Fetch requests (versions 4 to 11, and 13 by topic id) and Metadata requests (version 10, for topic ids) are written and parsed
// here, through the transport's two public hooks, protocol.BrokerMessage and protocol.RawExchanger. Every record batch
// is checked against its CRC-32C; control records and the records of aborted transactions are dropped; the position
// follows the headers of the batches, so that compacted, empty and sparse batches neither stop a reader nor make it
// jump back; decompression is bounded.
//
//	Reader ──────────── one goroutine: fetch the next response while the owner folds this one
//	  parser ────────── response → batches → records, no allocation per record
//	    decompressor    none, gzip, snappy (raw and xerial), lz4, zstd
//	Group ───────────── one member: generations of kafka-go's ConsumerGroup, one goroutine per partition
//	Static ──────────── fixed partitions
//
// What passes by itself (a leader that moves, a connection that is cut, a broker that does not answer) is retried for
// ever with jittered exponential backoff, and told to Hooks. What does not is returned as the errors of package stream.
//
// The only record format accepted is version 2, which every broker since 0.11 (2017) writes.
package kafka
