package kafka

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/segmentio/kafka-go"
)

func assign(owned map[string]map[string][]int, generation int32, topics map[string][]string, partitions map[string]int, shuffle *rand.Rand) kafka.GroupMemberAssignments {
	var members []kafka.GroupMember
	for id, want := range topics {
		b := &sticky{}
		b.set(generation, owned[id])
		data, _ := b.UserData()
		if owned[id] == nil && shuffle != nil && shuffle.IntN(2) == 0 {
			data = nil // As a member of another balancer's would be.
		}
		members = append(members, kafka.GroupMember{ID: id, Topics: want, UserData: data})
	}
	var parts []kafka.Partition
	for topic, n := range partitions {
		for p := range n {
			parts = append(parts, kafka.Partition{Topic: topic, ID: p})
		}
	}
	if shuffle != nil {
		shuffle.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		shuffle.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	return (&sticky{}).AssignGroups(members, parts)
}

func ownersOf(a map[string]map[string][]int) map[partitionKey]string {
	out := map[partitionKey]string{}
	for id, topics := range a {
		for topic, parts := range topics {
			for _, p := range parts {
				out[partitionKey{topic, p}] = id
			}
		}
	}
	return out
}

// Members come and go and topics grow at random: at each step the assignment is complete, balanced, moves no more
// than it must, and does not depend on the order of anything.
func TestStickyProperties(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		partitions := map[string]int{"a": 1 + rng.IntN(8), "b": rng.IntN(8)}
		members := map[string][]string{"m0": {"a", "b"}}
		var owned map[string]map[string][]int
		for step := range 20 {
			switch rng.IntN(3) {
			case 0:
				members[fmt.Sprint("m", rng.IntN(100))] = []string{"a", "b"}
			case 1:
				for id := range members {
					if len(members) > 1 {
						delete(members, id)
						break
					}
				}
			default:
				partitions["b"] += rng.IntN(3)
			}
			got := assign(owned, int32(step), members, partitions, rng)
			if again := assign(owned, int32(step), members, partitions, rng); !reflect.DeepEqual(got, again) {
				t.Fatalf("two assignments from the same claims: %v and %v", got, again)
			}
			total := partitions["a"] + partitions["b"]
			now, before := ownersOf(got), ownersOf(owned)
			if len(now) != total {
				t.Fatalf("%d of %d partitions assigned: %v", len(now), total, got)
			}
			load, kept := map[string]int{}, map[string]int{}
			for _, id := range now {
				load[id]++
			}
			for _, id := range before {
				if members[id] != nil {
					kept[id]++
				}
			}
			low, high := total/len(members), (total+len(members)-1)/len(members)
			for id := range members {
				if load[id] < low || load[id] > high {
					t.Fatalf("%s has %d partitions, others %d to %d: %v", id, load[id], low, high, got)
				}
			}
			// A member must give up what it has above the share of a member; at most total mod members may keep one more.
			must, extra := 0, total%len(members)
			for _, n := range kept {
				if n > low && extra > 0 {
					n--
					extra--
				}
				must += max(0, n-low)
			}
			moved := 0
			for p, id := range before {
				if members[id] != nil && now[p] != id {
					moved++
				}
			}
			if moved > must {
				t.Fatalf("%d partitions moved away from members that stayed, %d had to\nbefore %v\nafter %v", moved, must, owned, got)
			}
			owned = got
		}
	}
}

func TestStickyNewestClaimWins(t *testing.T) {
	member := func(id string, generation int32, parts ...int) kafka.GroupMember {
		b := &sticky{}
		b.set(generation, map[string][]int{"t": parts})
		data, _ := b.UserData()
		return kafka.GroupMember{ID: id, Topics: []string{"t"}, UserData: data}
	}
	parts := []kafka.Partition{{Topic: "t", ID: 0}, {Topic: "t", ID: 1}}
	got := (&sticky{}).AssignGroups([]kafka.GroupMember{member("a", 3, 0, 1), member("b", 7, 0)}, parts)
	if want := (kafka.GroupMemberAssignments{"a": {"t": {1}}, "b": {"t": {0}}}); !reflect.DeepEqual(got, want) {
		t.Fatalf("assigned %v, want %v", got, want)
	}
}

func TestStickyDifferentTopics(t *testing.T) {
	got := assign(nil, 0, map[string][]string{"both": {"a", "b"}, "only a": {"a"}, "neither": {"c"}}, map[string]int{"a": 2, "b": 2, "d": 1}, nil)
	for p, id := range ownersOf(got) {
		if p.topic == "d" || p.topic == "b" && id != "both" || id == "neither" {
			t.Errorf("%v went to %s", p, id)
		}
	}
	if n := len(ownersOf(got)); n != 4 {
		t.Errorf("%d partitions assigned, want 4: %v", n, got)
	}
	if n := len(got["only a"]["a"]); n != 2 {
		t.Errorf("the member that can take only a has %d of its partitions, want 2: %v", n, got)
	}
}

func FuzzClaims(f *testing.F) {
	b := &sticky{}
	b.set(5, map[string][]int{"t": {1, 2, 300}, "u": nil})
	data, _ := b.UserData()
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, parts := claims(b)
		if len(parts) > len(b) {
			t.Fatalf("%d claims in %d bytes", len(parts), len(b))
		}
	})
}
