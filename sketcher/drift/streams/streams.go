// Package streams draws records of known truth, to measure what a detector of drift does:
// streams without a change whose records depend on each other, and changes planted in
// them.
//
// A stream has Channels channels of mean 0 and variance 1. Of independent sources s with
//
//	s_t = rho s_(t-1) + sqrt(1 - rho²) e_t
//
// a record is x = L s, where L L' is one correlation matrix for all streams.
package streams

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
)

// Channels is the number of channels of a record.
const Channels = 8

// Record is one record of a stream.
type Record = [Channels]float64

// Kind is a sort of quiet stream.
type Kind struct {
	Name   string
	Rho    Record  // of the sources
	Heavy  bool    // Student's t with 3 degrees of freedom
	Period float64 // of a season, in records; 0: none
}

// season is the amplitude of each channel's season.
var season = Record{1, 1, .5, .5}

// The quiet streams that a detector should know.
var (
	Independent = Kind{Name: "iid"}
	AR5         = all("AR(.5)", .5)
	AR9         = all("AR(.9)", .9)
	AR98        = all("AR(.98)", .98)
	Mixed       = Kind{Name: "mixed AR", Rho: Record{0, .3, .5, .7, .8, .9, .95, .98}}
	Heavy       = Kind{Name: "Student t3", Heavy: true}
	Season1000  = seasonal("season of 1,000", 1000)
	Season20000 = seasonal("season of 20,000", 20_000)
)

// Kinds returns the quiet streams.
func Kinds() []Kind {
	return []Kind{Independent, AR5, AR9, AR98, Mixed, Heavy, Season1000, Season20000}
}

// AR returns the stream of which all sources have the dependence rho.
func AR(rho float64) Kind { return all(fmt.Sprintf("AR(%v)", rho), rho) }

func all(name string, rho float64) Kind {
	k := Kind{Name: name}
	for i := range k.Rho {
		k.Rho[i] = rho
	}
	return k
}

func seasonal(name string, period float64) Kind {
	k := all(name, .5)
	k.Period = period
	return k
}

// A Source draws the records of a stream. One goroutine at a time.
type Source struct {
	kind  Kind
	src   *rand.PCG
	rng   *rand.Rand
	state Record
	at    float64
}

// New returns the stream of a kind and a seed, in its stationary law.
func New(k Kind, seed uint64) *Source {
	s := &Source{kind: k, src: rand.NewPCG(seed, 7)}
	s.rng = rand.New(s.src)
	if k.Period > 0 {
		s.at = s.rng.Float64() * k.Period
	}
	for i := range s.state {
		s.state[i] = s.rng.NormFloat64()
	}
	for range 20 {
		var x Record
		s.Next(&x)
	}
	return s
}

// Clone returns a source that draws the same records from here on.
func (s *Source) Clone() *Source {
	c, src := *s, *s.src
	c.src, c.rng = &src, rand.New(&src)
	return &c
}

// Next draws the next record.
func (s *Source) Next(x *Record) {
	for k, rho := range s.kind.Rho {
		e := s.rng.NormFloat64()
		if s.kind.Heavy {
			var chi float64
			for range 3 {
				v := s.rng.NormFloat64()
				chi += v * v
			}
			e /= math.Sqrt(chi)
		}
		s.state[k] = rho*s.state[k] + math.Sqrt(1-rho*rho)*e
	}
	mix(x, &s.state)
	if s.kind.Period > 0 {
		for k := range x {
			x[k] += season[k] * math.Sin(2*math.Pi*s.at/s.kind.Period+.7*float64(k))
		}
		s.at++
	}
}

// Records returns n records by rows, each changed by change if it is not nil.
func (s *Source) Records(n int, change func(*Record, *rand.Rand)) []float64 {
	out := make([]float64, 0, n*Channels)
	var x Record
	for range n {
		s.Next(&x)
		if change != nil {
			change(&x, s.rng)
		}
		out = append(out, x[:]...)
	}
	return out
}

// factor is the lower factor L of the channels' correlation, half of it that of 12 normal
// samples.
var factor = sync.OnceValue(func() *[Channels]Record {
	const samples = 12
	rng := rand.New(rand.NewPCG(5, 5))
	var g [Channels][samples]float64
	for i := range g {
		for j := range g[i] {
			g[i][j] = rng.NormFloat64()
		}
	}
	dot := func(i, j int) (s float64) {
		for k := range samples {
			s += g[i][k] * g[j][k]
		}
		return s
	}
	l := new([Channels]Record)
	for i := range l {
		for j := 0; j <= i; j++ {
			v := .5 * dot(i, j) / math.Sqrt(dot(i, i)*dot(j, j))
			if i == j {
				v += .5
			}
			for k := range j {
				v -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][j] = math.Sqrt(v)
			} else {
				l[i][j] = v / l[j][j]
			}
		}
	}
	return l
})

func mix(x, s *Record) {
	l := factor()
	for i := range x {
		x[i] = 0
		for j := 0; j <= i; j++ {
			x[i] += l[i][j] * s[j]
		}
	}
}

// Names are the names of the channels.
func Names() []string { return []string{"a", "b", "c", "d", "e", "f", "g", "h"} }
