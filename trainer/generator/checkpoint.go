package generator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"phasor/snapshot/safetensors"
	"phasor/trainer/generator/optim"
)

// checkpointFormat is the format of a fit's checkpoint: what a fit needs to go
// on beside its target. It is read by the version that wrote it.
const checkpointFormat = "phasor.fit/1"

// ErrCheckpoint is wrapped by every error about a checkpoint that cannot go on
// with a target.
var ErrCheckpoint = errors.New("unusable checkpoint")

// progress is the small part of a checkpoint.
type progress struct {
	Map      string
	Records  int64
	Config   Config
	Warm     bool
	Early    bool
	Step     int
	Schedule optim.Cosine
	Loss     float64
	Shape    [3]int
}

// Checkpoint returns the state of a fit. A fit that is restored from it takes
// bit for bit the steps that this one would, on one kernel.
func (f *Fitter) Checkpoint() ([]byte, error) {
	if f.diverged != nil {
		return nil, f.diverged
	}
	p, err := json.Marshal(progress{
		Map: f.target.fingerprint, Records: f.target.Count(), Config: f.config, Warm: f.warm, Early: f.early,
		Step: f.step, Schedule: f.schedule, Loss: f.loss, Shape: [3]int{f.shape.latent, f.shape.units, f.shape.dim},
	})
	if err != nil {
		return nil, fmt.Errorf("generator: checkpoint at step %d: %w", f.step, err)
	}
	n := len(f.flat)
	file := safetensors.File{Metadata: map[string]string{
		"format": checkpointFormat, "progress": string(p), "adam.step": strconv.Itoa(f.adam.Step),
	}}
	file.Add(
		safetensors.Float32s("weights", f.flat, n), safetensors.Float32s("average", f.mean, n),
		safetensors.Float32s("adam.first", f.adam.First, n), safetensors.Float32s("adam.second", f.adam.Second, n),
	)
	return file.Encode()
}

// RestoreFitter goes on with a fit. The target must be the one of the
// checkpoint: a sketch of the same map and number of records. Errors wrap
// [ErrCheckpoint].
func RestoreFitter(t *Target, b []byte) (*Fitter, error) {
	f, err := restore(t, b)
	if err != nil {
		return nil, fmt.Errorf("generator: %w: %w", ErrCheckpoint, err)
	}
	return f, nil
}

func restore(t *Target, b []byte) (*Fitter, error) {
	file, err := safetensors.Decode(b)
	if err != nil {
		return nil, err
	}
	if file.Format() != checkpointFormat {
		return nil, fmt.Errorf("the file's format is %q, not %s: start the fit anew", file.Format(), checkpointFormat)
	}
	var p progress
	if err := json.Unmarshal([]byte(file.Metadata["progress"]), &p); err != nil {
		return nil, fmt.Errorf("its progress: %w", err)
	}
	step, err := strconv.Atoi(file.Metadata["adam.step"])
	if err != nil {
		return nil, fmt.Errorf("its step: %w", err)
	}
	if p.Map != t.fingerprint || p.Records != t.Count() {
		return nil, fmt.Errorf("it belongs to %d records under map %s, the sketch has %d under %s: start the fit anew", p.Records, p.Map, t.Count(), t.fingerprint)
	}
	if err := p.Config.Validate(); err != nil {
		return nil, err
	}
	s := shape{p.Shape[0], p.Shape[1], p.Shape[2]}
	if want := p.Config.withDefaults(t.problem.dim, p.Warm); want != p.Config || s != (shape{want.Latent, want.Hidden, t.problem.dim}) {
		return nil, fmt.Errorf("its network of shape %v does not fit its configuration", p.Shape)
	}
	f := &Fitter{
		target: t, config: p.Config, warm: p.Warm, early: p.Early, shape: s,
		step: p.Step, schedule: p.Schedule, loss: p.Loss,
	}
	f.adam = optim.NewAdam(0)
	f.adam.Step = step
	for name, to := range map[string]*[]float32{
		"weights": &f.flat, "average": &f.mean, "adam.first": &f.adam.First, "adam.second": &f.adam.Second,
	} {
		if *to, err = file.Float32s(name, s.params()); err != nil {
			return nil, err
		}
	}
	f.prepare()
	return f, nil
}
