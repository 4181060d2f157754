// Package replay feeds records from places that are not a log: files and
// standard input, a simulated plant, a public benchmark, and this host's own
// telemetry.
//
// A Feed yields rows of d channels:
//
//	for {
//		x, ms, err := feed.Next()
//		var bad *replay.RowError
//		if errors.As(err, &bad) {
//			count(bad.Reason)
//			continue
//		}
//		if err != nil {
//			break // io.EOF, or the source failed
//		}
//		use(x, ms)
//	}
//
// Files of CSV, JSON lines and text may be compressed with gzip or zstd, which is
// told from their first bytes; they are decompressed as they are read. The fields of
// Parquet files and of Avro object container files are named by paths, and are read
// as those of Avro records: nulls are missing values, and types that are times are
// times. Of a Parquet file only the columns that are asked for are read, a page at a
// time.
//
// Rows of files are read by package decode, so that a file and a topic of the
// same bytes give the same vectors and the same reasons for what is rejected.
package replay
