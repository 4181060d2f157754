package status

import (
	"encoding/json"
	"math"
	"time"

	"phasor/trainer"
)

// Page is everything that is shown, and what /status.json holds.
type Page struct {
	Title    string    `json:"title"`
	Role     string    `json:"role"` // run, sketcher, trainer or serve.
	Version  string    `json:"program_version"`
	Time     time.Time `json:"time"`
	Started  time.Time `json:"started"`
	Notices  []Notice  `json:"notices"` // What needs attention, the worst first; empty if nothing does.
	Sketches []Sketch  `json:"sketches"`
	API      bool      `json:"api"`               // The process answers under /v1/.
	Refusal  string    `json:"refusal,omitempty"` // Why nothing may be changed from this page; empty if it may.
}

// The levels of notices.
const (
	LevelAlarm = "alarm" // The stream is not what it was.
	LevelError = "error" // Something does not work.
)

// Notice is one thing that needs attention.
type Notice struct {
	Level  string `json:"level"`
	Sketch string `json:"sketch,omitempty"`
	Text   string `json:"text"`
}

// Sketch is what is known of one sketch. What the role does not know is nil.
type Sketch struct {
	Name   string  `json:"name"`
	Stream *Stream `json:"stream,omitempty"`
	Drift  *Drift  `json:"drift,omitempty"`
	Model  *Model  `json:"model,omitempty"`
	Shapes *Shapes `json:"shapes,omitempty"`
}

// Stream is what the sketcher did since the process started.
type Stream struct {
	Topics     []string    `json:"topics"`
	Folded     int64       `json:"records_folded"`
	Durable    int64       `json:"records_durable"` // In the owned partitions' saved states, of all times.
	Rate       Number      `json:"records_per_second"`
	Lag        int64       `json:"lag_records"`
	Rejected   int64       `json:"records_rejected"`
	Reasons    []Count     `json:"rejected_by_reason"` // Those that occurred.
	Late       int64       `json:"records_late"`
	Early      int64       `json:"records_early"`
	Duplicate  int64       `json:"records_duplicate"`
	Clamped    int64       `json:"values_clamped"`
	Missing    int64       `json:"values_missing"`
	Gaps       []Count     `json:"offset_gaps"`
	Features   int         `json:"features"`
	Dimension  int         `json:"dimension"`
	Bytes      int         `json:"sketch_bytes"`
	Saved      time.Time   `json:"saved,omitzero"`
	Partitions []Partition `json:"partitions"`
	History    []Flow      `json:"history"`
}

// Count is how often something happened.
type Count struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// Flow is the stream at one time.
type Flow struct {
	Time     int64  `json:"time_ms"`
	Rate     Number `json:"records_per_second"`
	Rejected Number `json:"rejected_per_second"`
	Lag      Number `json:"lag_records"`
}

// Partition is one that this process reads.
type Partition struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Next      int64     `json:"next"`
	Durable   int64     `json:"durable_offset"` // -1 before the first save.
	High      int64     `json:"high_watermark"`
	Lag       int64     `json:"lag_records"`
	Waiting   int64     `json:"panes_waiting"` // Sealed and not yet durable.
	Saved     time.Time `json:"saved,omitzero"`
}

// Drift is what the scan of panes says.
type Drift struct {
	Detector   string        `json:"detector"`
	Statistic  Number        `json:"statistic"`
	Threshold  Number        `json:"threshold"`
	PValue     Number        `json:"p_value"`
	Ratio      Number        `json:"effective_sample_ratio"`
	RunLength  time.Duration `json:"-"`
	Seconds    float64       `json:"target_run_length_seconds"`
	Reference  int           `json:"reference_panes"`
	Fixed      bool          `json:"reference_fixed,omitempty"` // It is given and stays.
	Why        string        `json:"why,omitempty"`             // Why there is no threshold yet.
	Pane       int64         `json:"pane_ms"`
	Latched    *Alarm        `json:"alarm"`
	Alarms     []Alarm       `json:"alarms"` // The newest first, at most maxAlarms of this process.
	Raised     int           `json:"alarms_raised"`
	History    []Verdict     `json:"history"`
	Divergence []Divergence  `json:"divergence_bits"` // By channel, the largest first.
}

// Verdict is the drift statistic of one pane, or the largest of several.
type Verdict struct {
	Time      int64  `json:"pane_ms"`
	Statistic Number `json:"statistic"`
	Threshold Number `json:"threshold"`
}

// Alarm is a change that was found, and what became of it.
type Alarm struct {
	trainer.Alarm
	What     string    `json:"what"`           // In words.
	Ended    time.Time `json:"ended,omitzero"` // When it was let go, or a later one took its place.
	Answered int       `json:"answered_by_version,omitempty"`
}

// Divergence is how far the newest panes of a channel are from the reference.
type Divergence struct {
	Channel string `json:"channel"`
	Bits    Number `json:"bits"`
}

// Model is the generator that is served, and those before it.
type Model struct {
	Version    int       `json:"version"` // 0 before the first, and for a file.
	Published  time.Time `json:"published,omitzero"`
	Records    int64     `json:"records"` // In the sketch that it was fitted to.
	Loss       Number    `json:"loss"`
	HeldOut    Number    `json:"loss_heldout"`
	Floor      Number    `json:"loss_floor"`
	Equivalent Number    `json:"equivalent_records"`
	AtLeast    bool      `json:"equivalent_records_at_least"`
	Fitting    bool      `json:"fitting"`
	Fits       []Count   `json:"fits_by_result"`
	Versions   []Version `json:"versions"` // In the store, the newest first, at most maxVersions.
	Trouble    string    `json:"trouble,omitempty"`
}

// Version is one model of the store.
type Version struct {
	Version    int       `json:"version"`
	Served     bool      `json:"served"`
	Before     bool      `json:"served_before"` // A roll-back would serve it.
	Written    time.Time `json:"written"`
	Records    int64     `json:"records"`
	Loss       Number    `json:"loss"`
	HeldOut    Number    `json:"loss_heldout"`
	Floor      Number    `json:"loss_floor"`
	Gaussian   Number    `json:"loss_heldout_gaussian"`
	Equivalent Number    `json:"equivalent_records"`
	AtLeast    bool      `json:"equivalent_records_at_least"`
	Seconds    Number    `json:"fit_seconds"`
	Answers    int64     `json:"answers_alarm_ms,omitempty"` // The pane of the alarm that asked for it.
	Drifting   bool      `json:"published_during_drift,omitempty"`
}

// Number is a figure that may be undefined: NaN and the infinities are null in JSON.
type Number float64

// Defined says whether n is a finite number.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes at most six significant digits.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(rounded(float64(n), 6))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// rounded is v with so many significant digits.
func rounded(v float64, digits int) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	p := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(v))))
	if r := math.Round(v*p) / p; !math.IsNaN(r) && !math.IsInf(r, 0) {
		return r
	}
	return v
}
