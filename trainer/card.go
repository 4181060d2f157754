package trainer

import (
	"encoding/json"
	"time"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

// Card is what people and dashboards want to know of a version. It stands beside the model as JSON.
type Card struct {
	Sketch     string      `json:"sketch"`
	Epoch      int         `json:"epoch"`
	Map        string      `json:"map"` // Fingerprint of the feature map.
	Channels   []string    `json:"channels"`
	Records    int64       `json:"records"`           // In the sketch that it was fitted to.
	Folded     int64       `json:"folded"`            // In all states, when the fit began.
	From       int64       `json:"from_ms,omitempty"` // Event time of its panes, [From, To); 0 and 0: all records.
	To         int64       `json:"to_ms,omitempty"`
	Change     int64       `json:"change_ms,omitempty"`      // Where the last change that was answered is thought to be; 0: none was.
	Quiet      int64       `json:"quiet_until_ms,omitempty"` // No alarm was to be raised before, as one had been let go.
	Partitions []CardRange `json:"partitions"`               // The states that were merged or lay behind the panes.
	Loss       CardLoss    `json:"loss"`
	Gaussian   CardLoss    `json:"gaussian"` // The Gaussian of the same mean and covariance, on the same terms.
	Steps      int         `json:"steps"`
	Seconds    float64     `json:"seconds"`
	Seed       uint64      `json:"seed"`
	Warm       int         `json:"warm_from,omitempty"`              // The version whose weights it began with.
	Answers    *Alarm      `json:"answers,omitempty"`                // The alarm that asked for it.
	Drifting   bool        `json:"published_during_drift,omitempty"` // An alarm was latched that it does not answer.
	Created    time.Time   `json:"created"`
}

// CardRange is the part of a partition's log that was folded.
type CardRange struct {
	Topic     string `json:"topic"`
	TopicID   string `json:"topic_id"`
	Partition int    `json:"partition"`
	Start     int64  `json:"start"`
	Next      int64  `json:"next"`
}

// CardLoss are the figures of an evaluation.
type CardLoss struct {
	Unbiased          float64 `json:"unbiased"`
	Biased            float64 `json:"biased"`
	HeldOut           float64 `json:"heldout"`
	HeldOutSE         float64 `json:"heldout_se"`
	Floor             float64 `json:"floor"`
	EquivalentRecords float64 `json:"equivalent_records"`
	AtLeast           bool    `json:"at_least"`
}

func cardLoss(e generator.Evaluation) CardLoss {
	return CardLoss{Unbiased: e.Unbiased, Biased: e.Biased, HeldOut: e.HeldOut, HeldOutSE: e.HeldOutSE, Floor: e.Floor,
		EquivalentRecords: e.EquivalentRecords, AtLeast: e.AtLeast}
}

// ReadCard reads the card of a version; the zero Card if it has none.
func ReadCard(m *snapshot.Model) (Card, error) {
	var c Card
	if m.Card == nil {
		return c, nil
	}
	err := json.Unmarshal(m.Card, &c)
	return c, err
}
