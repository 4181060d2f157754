package sketcher

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"phasor/snapshot/bucket/buckettest"
)

// join starts a sketcher, now and then one that will die at one of its writes.
func (s *scenario) join() {
	if len(s.members) >= 3 {
		return
	}
	var plan func(buckettest.Operation) buckettest.Fault
	if s.rng.IntN(4) == 0 && !s.settling {
		plan = sparing(buckettest.CrashAt(s.rng.IntN(30), []buckettest.Fault{buckettest.Fail, buckettest.Done}[s.rng.IntN(2)]))
	}
	s.members = append(s.members, s.start(false, plan))
}

// sparing leaves the objects out that are written once and cannot be written again.
func sparing(plan func(buckettest.Operation) buckettest.Fault) func(buckettest.Operation) buckettest.Fault {
	return func(o buckettest.Operation) buckettest.Fault {
		f := plan(o)
		if f >= buckettest.Torn && f != buckettest.Hang && !strings.Contains(o.Name, "/state/") {
			return buckettest.None
		}
		return f
	}
}

// end kills a sketcher or lets it leave in good order.
func (s *scenario) end(kill bool) {
	s.Helper()
	if len(s.members) == 0 {
		return
	}
	i := s.rng.IntN(len(s.members))
	m := s.members[i]
	s.members = append(s.members[:i], s.members[i+1:]...)
	var err error
	if kill {
		err = m.kill()
	} else {
		err = m.leave()
	}
	if err != nil {
		s.operate(err)
	}
}

// pause stops all that a sketcher does to the store, for less or more than half of its session, so that its partitions
// may move to others before it goes on.
func (s *scenario) pause() {
	if len(s.members) == 0 {
		return
	}
	resume := s.members[s.rng.IntN(len(s.members))].store.Pause()
	s.resumes = append(s.resumes, resume)
	time.AfterFunc(time.Duration(100+s.rng.IntN(1500))*time.Millisecond, resume)
	if s.rng.IntN(2) == 0 {
		s.join() // The partitions move.
	}
}

// intrude runs a sketcher beside the group that takes all partitions for its own.
func (s *scenario) intrude() {
	m := s.start(true, nil)
	s.writer.write(100)
	time.Sleep(time.Duration(50+s.rng.IntN(250)) * time.Millisecond)
	var err error
	if s.rng.IntN(2) == 0 {
		err = m.kill()
	} else {
		err = m.leave()
	}
	if err != nil {
		s.operate(err)
	}
}

func (s *scenario) expand() {
	s.Helper()
	if s.partitions >= 5 {
		return
	}
	k := s.newKgo()
	defer k.Close()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for {
		r, err := kadm.NewClient(k).CreatePartitions(ctx, 1, s.topic)
		if err == nil {
			err = r.Error()
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			s.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.partitions++
	s.writer.renew()
}

// failStore makes the store of one sketcher fail, lie, tear, flip or hang, now and then or always.
func (s *scenario) failStore() {
	if len(s.members) == 0 {
		return
	}
	fault := []buckettest.Fault{buckettest.Fail, buckettest.Done, buckettest.Torn, buckettest.Flipped, buckettest.Hang}[s.rng.IntN(5)]
	often := []int{1, 3, 10}[s.rng.IntN(3)]
	if fault == buckettest.Torn || fault == buckettest.Flipped {
		s.damaged = true
		often += 2 // What is damaged without end cannot be folded again from anywhere but the start.
	}
	n, only := s.rng.IntN(often), s.rng.IntN(2) == 0
	s.members[s.rng.IntN(len(s.members))].store.SetPlan(sparing(func(o buckettest.Operation) buckettest.Fault {
		if only && !o.Writes() {
			return buckettest.None
		}
		if n++; n%often == 0 {
			return fault
		}
		return buckettest.None
	}))
}

func (s *scenario) heal() {
	for _, m := range s.members {
		m.store.SetPlan(nil)
	}
}

// corrupt damages one of the states that lie in the store.
func (s *scenario) corrupt() {
	s.Helper()
	objects, err := s.bucket.List(s.Context(), "s/0001/state/")
	if err != nil {
		s.Fatal(err)
	}
	if len(objects) == 0 {
		return
	}
	name := objects[s.rng.IntN(len(objects))].Name
	b, err := s.bucket.Get(s.Context(), name)
	if err != nil {
		return // It was removed meanwhile.
	}
	if s.rng.IntN(2) == 0 {
		b = b[:s.rng.IntN(len(b))]
	} else {
		b[s.rng.IntN(len(b))] ^= 1 << s.rng.IntN(8)
	}
	if err := s.bucket.Put(s.Context(), name, b); err != nil {
		s.Fatal(err)
	}
	s.damaged = true
}
