package drift

import "fmt"

// Group names a set of coordinates that is tested as one.
type Group uint8

// The groups of coordinates. The zero value names none.
const (
	GroupS  Group = iota + 1 // phasors on the pilot's kernel principal components
	GroupCM                  // channel means
	GroupCV                  // channel scales
	GroupM                   // whitened mean
	GroupC                   // whitened covariance
)

// DefaultGroups are the groups of a Projection that names none.
func DefaultGroups() []Group { return []Group{GroupM, GroupC, GroupS, GroupCM, GroupCV} }

var groupNames = [...]string{"none", "S", "cm", "cv", "M", "C"}

// String returns the group's short name: S, cm, cv, M or C.
func (g Group) String() string {
	if int(g) < len(groupNames) {
		return groupNames[g]
	}
	return fmt.Sprintf("group(%d)", uint8(g))
}

// ParseGroup returns the group with the short name s.
func ParseGroup(s string) (Group, error) {
	for i, n := range groupNames {
		if i > 0 && n == s {
			return Group(i), nil
		}
	}
	return 0, fmt.Errorf("drift: no group of coordinates is called %q: use S, cm, cv, M or C", s)
}

// maximal reports whether a group's statistic is the largest |s| of its coordinates,
// which finds one channel among many; the others use the mean of s².
func (g Group) maximal() bool { return g == GroupCM || g == GroupCV }

// soft reports whether a group's coordinates are far from normal in windows of few
// effective records, so that its tail needs as many degrees of freedom as those give.
func (g Group) soft() bool { return g == GroupS || g == GroupC || g == GroupCV }

// block is a group's place among the coordinates: columns lo to hi.
type block struct {
	group  Group
	lo, hi int
}

func (b block) width() int { return b.hi - b.lo }
