package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// readMatrix reads rows of numbers without names.
func readMatrix(path string) (*mat.Dense, error) {
	rows, err := readNumbers(path)
	if err != nil {
		return nil, err
	}
	m := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, row := range rows {
		m.SetRow(i, row)
	}
	return m, nil
}

func readNumbers(path string) ([][]float64, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	cells, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var rows [][]float64
	for i, line := range cells {
		row := make([]float64, len(line))
		for k, s := range line {
			x, err := cell(s)
			if err != nil || x != x {
				return nil, fmt.Errorf("%s: row %d, column %d: %.40q is no number", path, i+1, k+1, s)
			}
			row[k] = x
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no rows", path)
	}
	return rows, nil
}

// openMeasurements opens rows of n numbers; a first row that holds a word is left out. Lines of JSON are arrays.
func openMeasurements(e *env, path, format string, n int) (*rowReader, error) {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	in, source, shut, err := openInput(e, path)
	if err != nil {
		return nil, err
	}
	if isJSON(path, format) {
		d := json.NewDecoder(bufio.NewReader(in))
		return &rowReader{path: source, names: names, close: shut, next: func() ([]float64, error) {
			var y []float64
			if err := d.Decode(&y); err != nil {
				return nil, err
			}
			if len(y) != n {
				return nil, fmt.Errorf("%d numbers, the operator has %d measurements", len(y), n)
			}
			return y, nil
		}}, nil
	}
	c := csv.NewReader(bufio.NewReader(in))
	c.FieldsPerRecord = n
	c.ReuseRecord = true
	first := true
	next := func() ([]float64, error) {
		for {
			cells, err := c.Read()
			if err != nil {
				return nil, err
			}
			y := make([]float64, n)
			for i, s := range cells {
				if y[i], err = cell(s); err == nil && y[i] != y[i] {
					err = fmt.Errorf("measurement %d is missing: leave its row out of the matrix", i+1)
				}
				if err != nil {
					break
				}
			}
			if err == nil || !first {
				return y, err
			}
			first = false
		}
	}
	return &rowReader{path: source, names: names, next: next, close: shut}, nil
}
