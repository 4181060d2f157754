package serve

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// head is what every answer begins with.
type head struct {
	Version  int      `json:"version"` // Of the model that answered.
	Channels []string `json:"channels"`
}

func (e *engine) head() head { return head{e.version.Version, e.version.Model.Names()} }

// numbers is a list that JSON can hold: what is not finite is null.
type numbers []float64

// MarshalJSON implements json.Marshaler.
func (n numbers) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 2+20*len(n)), '[')
	for i, v := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']'), nil
}

// real is a number that JSON can hold.
type real float64

// MarshalJSON implements json.Marshaler.
func (v real) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(v)), nil }

func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// table cuts records into rows.
func table(x []float64, d int) []numbers {
	rows := make([]numbers, len(x)/d)
	for i := range rows {
		rows[i] = x[i*d : (i+1)*d : (i+1)*d]
	}
	return rows
}

func respond(w http.ResponseWriter, body any) error {
	b, err := json.Marshal(body)
	if err != nil { // Every type here has JSON.
		panic(err)
	}
	reply(w, http.StatusOK, "application/json", b)
	return nil
}

// described is the answer of /v1/model.
type described struct {
	head
	Sketch            string           `json:"sketch,omitempty"`
	Epoch             int              `json:"epoch,omitempty"`
	Generation        int              `json:"generation,omitempty"`
	Published         *time.Time       `json:"published,omitempty"`
	Map               string           `json:"map"`
	Latents           int              `json:"latents"`
	Records           int64            `json:"records"`
	EquivalentRecords real             `json:"equivalent_records"`
	AtLeast           bool             `json:"at_least"`
	Scales            []channelOf      `json:"scales"`
	Card              *json.RawMessage `json:"card,omitempty"`
}

// channelOf is what is said of a channel: its units of standard deviation.
type channelOf struct {
	Name      string `json:"name"`
	Transform string `json:"transform"`
	Kind      string `json:"kind"`
	Offset    real   `json:"offset"`
	Deviation real   `json:"deviation"`
}

// model answers /v1/model.
func (s *Server) model(w http.ResponseWriter, _ *http.Request) error {
	e, err := s.current()
	if err != nil {
		return err
	}
	v := e.version
	ev := v.Model.Evaluation()
	d := described{head: e.head(), Sketch: v.Sketch, Epoch: v.Epoch, Generation: v.Generation, Map: v.Model.Fingerprint(), Latents: v.Model.Latent(),
		Records: v.Model.Records(), EquivalentRecords: real(ev.EquivalentRecords), AtLeast: ev.AtLeast}
	if !v.Published.IsZero() {
		published := v.Published.UTC()
		d.Published = &published
	}
	if v.Card != nil {
		d.Card = &v.Card
	}
	for k, c := range e.units.channels {
		d.Scales = append(d.Scales, channelOf{c.Name, c.Transform.String(), c.Kind.String(), real(e.units.offset[k]), real(1 / e.units.scale[k])})
	}
	return respond(w, d)
}
