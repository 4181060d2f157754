package replay

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// parquetCursor reads the values of one column row by row.
type parquetCursor struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer [256]parquet.Value
	have   []parquet.Value // of buffer
	row    []parquet.Value
	old    []parquet.Page // whose memory the row may still use
}

func (c *parquetCursor) begin(chunk parquet.ColumnChunk) {
	c.end() // It was only read.
	c.pages = chunk.Pages()
}

func (c *parquetCursor) end() error {
	c.have, c.row = nil, c.row[:0]
	c.release()
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.page, c.values = nil, nil
	if c.pages == nil {
		return nil
	}
	err := c.pages.Close()
	c.pages = nil
	return err
}

// release gives back the pages of which no value is left.
func (c *parquetCursor) release() {
	keep := 0
	if len(c.have) > 0 && c.page == nil && len(c.old) > 0 {
		keep = 1
	}
	for _, p := range c.old[:len(c.old)-keep] {
		parquet.Release(p)
	}
	c.old = append(c.old[:0], c.old[len(c.old)-keep:]...)
}

// next reads the values of the next row: the first, and those that repeat in it.
func (c *parquetCursor) next() error {
	c.release()
	c.row = c.row[:0]
	for {
		for len(c.have) > 0 {
			if len(c.row) > 0 && c.have[0].RepetitionLevel() == 0 {
				return nil
			}
			if len(c.row) >= maxRowValues {
				return fmt.Errorf("a row has more than %d values", maxRowValues)
			}
			c.row = append(c.row, c.have[0])
			c.have = c.have[1:]
		}
		if err := c.fill(); err == io.EOF {
			if len(c.row) > 0 {
				return nil
			}
			return errors.New("it has fewer rows than the file says")
		} else if err != nil {
			return err
		}
	}
}

// maxRowValues bounds the elements of one column in a row.
const maxRowValues = 1 << 20

func (c *parquetCursor) fill() error {
	for {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return err
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(c.buffer[:])
		c.have = c.buffer[:n]
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF {
			c.old = append(c.old, c.page)
			c.page, c.values = nil, nil
		}
		if n > 0 {
			return nil
		}
	}
}
