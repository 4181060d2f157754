package replay

import (
	"fmt"
	"io"
	"slices"
)

// OpenRecords opens a file whose lines are the values of records; "-" is
// standard input. See NewRecords.
func OpenRecords(path string, opt Options) (*Table, error) { return open(path, opt, NewRecords) }

// NewRecords reads lines that are the values of records in one of the formats
// json, csv, tags and log. Nothing is found out: they are decoded as the same
// values in a topic are, so that they give the same vectors. Records have
// neither keys nor time stamps.
func NewRecords(r io.Reader, name string, opt Options) (*Table, error) {
	if f := opt.Decode.Format; f != "" && !slices.Contains([]string{"json", "csv", "tags", "log"}, f) {
		return nil, fmt.Errorf("replay: %s: records of format %s are no lines: use json, csv, tags or log, or give a Parquet file or an Avro object container file", name, f)
	}
	t := &Table{lines: newLines(r, name, maxBytes(opt), opt.Decode.Format == "csv"), config: opt.Decode}
	return t, t.start()
}
