package replay

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// PlantConfig describes a simulated plant.
type PlantConfig struct {
	Seed uint64
	// Rate is the number of rows a second of simulated time; 0 is 1000.
	Rate float64
	// Start is the time of row 0 in unix milliseconds.
	Start int64
	// Changes are the times, from the start, at which the plant changes between
	// its normal regime and the fault; they must ascend.
	Changes []time.Duration
	// Rows ends the feed; 0 never does.
	Rows int64
}

// Plant is a pump station of eight sensors with changes of regime at known
// times. Row i is a pure function of the configuration and i.
//
//	temperature_c   65 °C, follows the ambience and the demand
//	pressure_bar    falls with the flow, more steeply when it is high: skewed
//	flow_m3h        follows the valve and the hydraulics
//	vibration_mms   log-normal around 2 mm/s, rises with wear
//	current_a       follows the same hydraulics as the flow
//	speed_rpm       two gears, near 1450 and 1520: bimodal
//	level_pct       of the tank, 0 to 100, flat-topped
//	valve_pct       position, in steps of 5
//
// All are driven by Gaussian factors that decorrelate over 8 to 128 rows, to
// which white noise of the instruments is added. In the fault
//
//	temperature_c   is 6 °C higher
//	pressure_bar    is 0.6 bar lower
//	vibration_mms   has the same mean and 4.6 times the variance
//	current_a       is anticorrelated with flow_m3h, with the same distribution
//
// while the other channels are what they would have been.
type Plant struct {
	config  PlantConfig
	changes []int64
	row     int64
	factors [factors]factor
	white   uint64
	x       [8]float64
}

var plantChannels = []string{
	"temperature_c", "pressure_bar", "flow_m3h", "vibration_mms",
	"current_a", "speed_rpm", "level_pct", "valve_pct",
}

// The factors behind the channels.
const (
	demand = iota
	ambience
	hydraulics
	wear
	motor
	tank
	supply
	gear
	factors
)

// NewPlant returns the plant of c.
func NewPlant(c PlantConfig) (*Plant, error) {
	if c.Rate == 0 {
		c.Rate = 1000
	}
	if !(c.Rate > 0) || c.Rate > 1e9 {
		return nil, fmt.Errorf("replay: plant: a rate of %v rows a second: give one above 0 and up to 1e9", c.Rate)
	}
	if c.Rows < 0 {
		return nil, fmt.Errorf("replay: plant: %d rows: give a number above 0, or 0 for no end", c.Rows)
	}
	c.Changes = slices.Clone(c.Changes)
	p := &Plant{config: c, white: mix(c.Seed ^ 0x77686974656e6f69)}
	for k, at := range c.Changes {
		if at < 0 || k > 0 && at <= c.Changes[k-1] {
			return nil, fmt.Errorf("replay: plant: change %d at %v: changes must ascend from the start", k, at)
		}
		p.changes = append(p.changes, int64(math.Ceil(float64(at)*c.Rate/float64(time.Second))))
	}
	for f := range p.factors {
		p.factors[f].seed(mix(c.Seed + uint64(f+1)*golden))
	}
	return p, nil
}

// Channels implements Feed.
func (p *Plant) Channels() []string { return slices.Clone(plantChannels) }

// Changes returns the rows at which the regime changes: row Changes()[0] is the
// first of the fault, row Changes()[1] the first that is normal again.
func (p *Plant) Changes() []int64 { return slices.Clone(p.changes) }

// Time is the time of row i.
func (p *Plant) Time(i int64) int64 {
	return p.config.Start + int64(math.Floor(float64(i)*1000/p.config.Rate))
}

// SkipTo makes row i the next.
func (p *Plant) SkipTo(i int64) { p.row = max(i, 0) }

// Next implements Feed.
func (p *Plant) Next() ([]float64, int64, error) {
	if p.config.Rows > 0 && p.row >= p.config.Rows {
		return nil, -1, io.EOF
	}
	i := p.row
	p.row++
	fault := false
	for _, at := range p.changes {
		if i < at {
			break
		}
		fault = !fault
	}
	p.sample(i, fault)
	return p.x[:], p.Time(i), nil
}

func (p *Plant) sample(i int64, fault bool) {
	var g [factors]float64
	for f := range g {
		g[f] = p.factors[f].at(i)
	}
	var w [8]float64
	for k := range w {
		w[k] = whiteNoise(p.white, uint64(i)*8+uint64(k))
	}
	valve := math.Min(100, math.Max(0, 5*math.Round((55+14*g[demand])/5)))
	flow := 120 + 0.4*(valve-55) + 8*g[hydraulics] + 0.8*w[2]
	load := (flow - 120) / 10

	temperature := 65 + 3*g[ambience] + 1.5*g[demand] + 0.3*w[0]
	pressure := 6 - 0.25*load - 0.12*load*load + 0.15*g[supply] + 0.02*w[1]
	rho, sigma := 0.9, 0.3
	if fault {
		temperature += 6
		pressure -= 0.6
		rho, sigma = -0.9, 0.6
	}
	// The mean of exp(sigma z - sigma^2/2) is 1 for every sigma.
	vibration := 2 * math.Exp(sigma*(0.8*g[wear]+0.6*w[3])-sigma*sigma/2)
	current := 40 + 4*(rho*g[hydraulics]+math.Sqrt(1-rho*rho)*g[motor]) + 0.3*w[4]
	speed := 1450 + 6*g[demand] + 3*w[5]
	if g[gear] > 0.3 {
		speed += 70
	}
	level := 100 / (1 + math.Exp(-1.7*g[tank]-0.05*w[6]))
	p.x = [8]float64{temperature, pressure, flow, vibration, current, speed, level, valve}
}
