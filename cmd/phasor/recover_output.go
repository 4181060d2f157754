package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// recoveredWriter writes answers as CSV or lines of JSON.
type recoveredWriter struct {
	flags recoverFlags
	names []string
	w     *bufio.Writer
	csv   *csv.Writer
	begun bool
}

func newRecoveredWriter(e *env, f recoverFlags, names []string) *recoveredWriter {
	w := bufio.NewWriter(e.stdout)
	return &recoveredWriter{flags: f, names: names, w: w, csv: csv.NewWriter(w)}
}

func (o *recoveredWriter) flush() error {
	o.csv.Flush()
	if err := o.csv.Error(); err != nil {
		return err
	}
	return o.w.Flush()
}

func (o *recoveredWriter) write(a restored) error {
	if o.flags.JSON {
		return o.writeJSON(a)
	}
	if !o.begun {
		o.begun = true
		if err := o.csv.Write(o.header(a.kernel != nil)); err != nil {
			return err
		}
	}
	var cells []string
	number := func(x float64) { cells = append(cells, strconv.FormatFloat(x, 'g', -1, 64)) }
	for _, x := range a.X {
		number(x)
	}
	if !o.flags.Plain {
		for _, s := range a.SD {
			number(s)
		}
		cells = append(cells, a.Method, strconv.FormatFloat(a.ESS, 'f', 0, 64), a.Warning)
		if a.kernel != nil {
			var taps []string
			for _, h := range a.kernel {
				taps = append(taps, strconv.FormatFloat(h, 'g', 6, 64))
			}
			cells = append(cells, strings.Join(taps, " "))
		}
	}
	return o.csv.Write(cells)
}

func (o *recoveredWriter) header(kernel bool) []string {
	head := append([]string(nil), o.names...)
	if o.flags.Plain {
		return head
	}
	for _, n := range o.names {
		head = append(head, n+".sd")
	}
	head = append(head, "method", "effective_samples", "warning")
	if kernel {
		head = append(head, "kernel")
	}
	return head
}

func (o *recoveredWriter) writeJSON(a restored) error {
	b := append([]byte(nil), `{"record":`...)
	b = appendJSONRow(b, o.names, a.X)
	b[len(b)-1] = ','
	b = append(b, `"sd":`...)
	b = appendJSONRow(b, o.names, a.SD)
	b[len(b)-1] = ','
	b = append(append(b, `"method":`...), appendJSONString(nil, a.Method)...)
	b = strconv.AppendFloat(append(b, `,"effective_samples":`...), math.Round(a.ESS), 'f', 0, 64)
	if a.Warning != "" {
		b = append(append(b, `,"warning":`...), appendJSONString(nil, a.Warning)...)
	}
	if a.kernel != nil {
		k, err := json.Marshal(a.kernel)
		if err != nil {
			return err
		}
		b = append(append(b, `,"kernel":`...), k...)
	}
	_, err := o.w.Write(append(b, '}', '\n'))
	return err
}
