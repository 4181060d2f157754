package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"unicode/utf8"
)

// read decodes the one JSON value of a request's body. Fields that dst does not have are refused.
func read(w http.ResponseWriter, r *http.Request, most int64, dst any) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		// A client that does not say what it sends, as curl does with --data, means JSON.
		if err != nil || media != "application/json" && media != "application/x-www-form-urlencoded" {
			return problemf(http.StatusUnsupportedMediaType, "the body is %q: send application/json", kind)
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return problemf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes: send fewer records at a time", most)
		}
		return malformed("the body could not be read: %v", err)
	}
	if !utf8.Valid(body) {
		return malformed("the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		var p *problem
		if errors.As(err, &p) {
			return p
		}
		if err == io.EOF {
			return malformed("the body is empty: send a JSON object")
		}
		return malformed("the body is not what is expected: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("there is more than one JSON value in the body")
	}
	return nil
}

// row is a record in a request: a list of the channels in order, or an object by their names. null, or a name that is not
// there, is a missing value, which is NaN.
type row struct {
	values []*float64
	named  map[string]*float64
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *row) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '[':
		return json.Unmarshal(b, &r.values)
	case '{':
		return json.Unmarshal(b, &r.named)
	}
	return malformed("a record is a list of numbers or an object with a number for each channel, not %.20s", b)
}

// rows returns records as numbers, row-major, with NaN for what is missing.
func (e *engine) rows(rows []row, most int) ([]float64, error) {
	switch {
	case len(rows) == 0:
		return nil, unanswerable("there are no records: give at least one in \"records\"")
	case len(rows) > most:
		return nil, unanswerable("there are %d records: send at most %d at a time", len(rows), most)
	}
	d := e.dim()
	x := make([]float64, 0, len(rows)*d)
	for i, r := range rows {
		if r.named != nil {
			found := 0
			for _, c := range e.units.channels {
				v, ok := r.named[c.Name]
				if ok {
					found++
				}
				x = append(x, orNaN(v))
			}
			if found < len(r.named) {
				return nil, unanswerable("record %d has a channel that the model has not: the channels are %q", i, e.version.Model.Names())
			}
			continue
		}
		if len(r.values) != d {
			return nil, unanswerable("record %d has %d values, the model has %d channels: %q", i, len(r.values), d, e.version.Model.Names())
		}
		for _, v := range r.values {
			x = append(x, orNaN(v))
		}
	}
	return x, nil
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// whole is rows of which nothing may be missing.
func (e *engine) whole(records []row, most int) ([]float64, error) {
	x, err := e.rows(records, most)
	if err != nil {
		return nil, err
	}
	for i, v := range x {
		if math.IsNaN(v) {
			return nil, unanswerable("record %d has no value of %q: give all channels, or fill it in by /v1/impute first", i/e.dim(), e.units.channels[i%e.dim()].Name)
		}
	}
	return x, nil
}
