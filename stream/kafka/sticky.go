package kafka

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/segmentio/kafka-go"
)

// sticky assigns partitions to the members of a group so that
//
//   - no member has two partitions more than another that could take one of them,
//   - as few partitions as possible change hands, and
//   - the same members with the same claims always get the same assignment.
//
// Each member tells what it had, in its user data: a format byte 1, the generation (int32), the number of topics, and for
// each topic its name and its partitions, all numbers and lengths as unsigned varints. Of two members that claim one
// partition, the one of the newer generation had it last.
type sticky struct {
	mu         sync.Mutex
	generation int32
	owned      map[string][]int
	covered    map[string]int // Partitions that AssignGroups gave out since UserData was asked for, by topic; nil: it was not called.
}

const stickyName = "phasor-sticky"

func (s *sticky) ProtocolName() string { return stickyName }

// set remembers what a generation gave to this member, for the next.
func (s *sticky) set(generation int32, owned map[string][]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation, s.owned = generation, owned
}

// UserData encodes the claims of this member. It is called before each join.
func (s *sticky) UserData() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered = nil
	b := []byte{1}
	b = binary.BigEndian.AppendUint32(b, uint32(s.generation))
	b = binary.AppendUvarint(b, uint64(len(s.owned)))
	for _, topic := range slices.Sorted(maps.Keys(s.owned)) {
		b = binary.AppendUvarint(b, uint64(len(topic)))
		b = append(b, topic...)
		b = binary.AppendUvarint(b, uint64(len(s.owned[topic])))
		for _, p := range s.owned[topic] {
			b = binary.AppendUvarint(b, uint64(p))
		}
	}
	return b, nil
}

// claims decodes the user data of a member; what is malformed claims nothing.
func claims(b []byte) (generation int32, parts []partitionKey) {
	w := &wire{b: b}
	if w.int8() != 1 {
		return 0, nil
	}
	generation = w.int32()
	for n := w.count(w.uvarint(), 2); n > 0; n-- {
		topic := string(w.take(w.uvarint()))
		for m := w.count(w.uvarint(), 1); m > 0; m-- {
			parts = append(parts, partitionKey{topic, w.uvarint()})
		}
	}
	if w.bad {
		return 0, nil
	}
	return generation, parts
}

// AssignGroups is called in the member that leads the group.
func (s *sticky) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	parts := make([]partitionKey, 0, len(partitions))
	for _, p := range partitions {
		parts = append(parts, partitionKey{p.Topic, p.ID})
	}
	slices.SortFunc(parts, comparePartitions)
	parts = slices.Compact(parts)
	s.cover(parts)
	a := newAssigner(members, parts)
	a.keepClaims(members)
	a.giveRest()
	a.level()
	return a.result()
}

func (s *sticky) cover(parts []partitionKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered = map[string]int{}
	for _, p := range parts {
		s.covered[p.topic]++
	}
}

// left says of a topic of so many partitions how many this member gave out as the leader, if it left some out.
func (s *sticky) left(topic string, partitions int) (given int, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	given = s.covered[topic]
	return given, s.covered != nil && given < partitions
}

func comparePartitions(a, b partitionKey) int {
	if c := strings.Compare(a.topic, b.topic); c != 0 {
		return c
	}
	return a.partition - b.partition
}

type assigner struct {
	ids       []string // Of the members, sorted.
	wants     []map[string]bool
	parts     []partitionKey // Sorted.
	owner     map[partitionKey]int
	load      []int
	claimants map[partitionKey]int32 // The generation of the claim that won.
}

func newAssigner(members []kafka.GroupMember, parts []partitionKey) *assigner {
	a := &assigner{parts: parts, owner: map[partitionKey]int{}, claimants: map[partitionKey]int32{}}
	topics := map[string][]string{}
	for _, m := range members {
		a.ids = append(a.ids, m.ID)
		topics[m.ID] = m.Topics
	}
	slices.Sort(a.ids)
	a.load = make([]int, len(a.ids))
	for _, id := range a.ids {
		want := map[string]bool{}
		for _, t := range topics[id] {
			want[t] = true
		}
		a.wants = append(a.wants, want)
	}
	return a
}

// keepClaims leaves partitions where they were.
func (a *assigner) keepClaims(members []kafka.GroupMember) {
	exists := map[partitionKey]bool{}
	for _, p := range a.parts {
		exists[p] = true
	}
	byID := map[string][]byte{}
	for _, m := range members {
		byID[m.ID] = m.UserData
	}
	for i, id := range a.ids {
		generation, parts := claims(byID[id])
		for _, p := range parts {
			if !exists[p] || !a.wants[i][p.topic] {
				continue
			}
			if before, ok := a.owner[p]; ok {
				if before == i || generation <= a.claimants[p] {
					continue
				}
				a.load[before]--
			}
			a.owner[p], a.claimants[p] = i, generation
			a.load[i]++
		}
	}
}

// least returns the member with the smallest load of those that want a topic, -1 if none does.
func (a *assigner) least(topic string) int {
	best := -1
	for i := range a.ids {
		if a.wants[i][topic] && (best < 0 || a.load[i] < a.load[best]) {
			best = i
		}
	}
	return best
}

// giveRest gives what nobody claims to those who have least.
func (a *assigner) giveRest() {
	for _, p := range a.parts {
		if _, ok := a.owner[p]; ok {
			continue
		}
		if i := a.least(p.topic); i >= 0 {
			a.owner[p] = i
			a.load[i]++
		}
	}
}

// level moves partitions from the members with most to members that have at least two fewer, until there are none. Each
// move makes the sum of the squared loads smaller, so it ends. If all members want all topics, it ends balanced, and no
// partition moved that did not have to: who received has the least, so nobody gives what he received.
func (a *assigner) level() {
	for a.moveOne() {
	}
}

// moveOne makes one move and says whether there was one to make.
func (a *assigner) moveOne() bool {
	byLoad := make([]int, len(a.ids))
	for i := range byLoad {
		byLoad[i] = i
	}
	slices.SortStableFunc(byLoad, func(i, j int) int { return a.load[j] - a.load[i] })
	for _, from := range byLoad {
		for k := len(a.parts) - 1; k >= 0; k-- {
			p := a.parts[k]
			if i, ok := a.owner[p]; !ok || i != from {
				continue
			}
			if to := a.least(p.topic); a.load[to]+1 < a.load[from] {
				a.owner[p] = to
				a.load[from]--
				a.load[to]++
				return true
			}
		}
	}
	return false
}

func (a *assigner) result() kafka.GroupMemberAssignments {
	out := kafka.GroupMemberAssignments{}
	for i, id := range a.ids {
		out[id] = map[string][]int{}
		for topic := range a.wants[i] {
			out[id][topic] = nil
		}
	}
	for _, p := range a.parts {
		if i, ok := a.owner[p]; ok {
			id := a.ids[i]
			out[id][p.topic] = append(out[id][p.topic], p.partition)
		}
	}
	return out
}
