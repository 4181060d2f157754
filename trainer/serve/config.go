package serve

import (
	"fmt"
	"runtime"
	"time"

	"phasor/trainer/score"
)

// Limits bound what requests may ask for. The zero value of a field stands for its default.
type Limits struct {
	Body    int64         // bytes of a body; 1 MiB
	Records int           // in a request; 1000
	Samples int           // that /v1/sample draws at a time; 10,000
	Active  int           // requests that compute at a time; two for each processor
	Waiting time.Duration // for their turn; 1 s
	Time    time.Duration // of a request, its turn included; 10 s
	Cache   int64         // bytes of what was prepared for kinds of measurements; 256 MiB
}

func (l Limits) withDefaults() (Limits, error) {
	if l.Body < 0 || l.Records < 0 || l.Samples < 0 || l.Active < 0 || l.Waiting < 0 || l.Time < 0 || l.Cache < 0 {
		return l, fmt.Errorf("serve: limits %+v: none may be negative", l)
	}
	fill(&l.Body, 1<<20)
	fill(&l.Records, 1000)
	fill(&l.Samples, 10_000)
	fill(&l.Active, 2*runtime.GOMAXPROCS(0))
	fill(&l.Waiting, time.Second)
	fill(&l.Time, 10*time.Second)
	fill(&l.Cache, 256<<20)
	return l, nil
}

func fill[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Hooks are told what happens. They are called by the goroutines of requests and must not block.
type Hooks struct {
	// Request is told of every request that was answered: its endpoint, one of [Endpoints], and the status code.
	Request func(endpoint string, code int, took time.Duration)
	// Served is told of each version when it begins to be served.
	Served func(v Version, took time.Duration)
	// Failed is told when the version that should be served could not be loaded; the one before stays.
	Failed func(err error)
	// Panicked is told of a defect of this program, which the request was answered with 500 for.
	Panicked func(endpoint string, what any, stack []byte)
}

// Config says what is served and how.
type Config struct {
	Source Source
	Limits Limits
	Hooks  Hooks
	Poll   time.Duration // between two looks for a newer version; 5 s
	Prior  int           // generated records that inverse problems are solved with; 8192
	Seed   uint64        // of everything that is drawn; 1

	scoring score.Options
}

func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return c, err
	}
	switch {
	case c.Source == nil:
		return c, fmt.Errorf("serve: there is no source of a model: name one")
	case c.Poll < 0:
		return c, fmt.Errorf("serve: a look every %v: give a duration above 0", c.Poll)
	case c.Prior < 0:
		return c, fmt.Errorf("serve: a prior of %d records: give 100 or more", c.Prior)
	}
	fill(&c.Poll, 5*time.Second)
	fill(&c.Prior, 8192)
	fill(&c.Seed, 1)
	fill(&c.scoring.Seed, c.Seed)
	if c.Prior < 100 {
		return c, fmt.Errorf("serve: a prior of %d records: give 100 or more", c.Prior)
	}
	return c, nil
}
