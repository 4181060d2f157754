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
	GroupH                   // channel shapes, from the histograms
)

// DefaultGroups are the groups of a Projection that names none.
func DefaultGroups() []Group {
	return []Group{GroupM, GroupC, GroupS, GroupCM, GroupCV, GroupH}
}

var groupNames = [...]string{"none", "S", "cm", "cv", "M", "C", "H"}

// String returns the group's short name: S, cm, cv, M, C or H.
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
	return 0, fmt.Errorf("drift: no group of coordinates is called %q: use S, cm, cv, M, C or H", s)
}

// part returns how many coordinates of a group belong to one channel: its statistic is
// the largest sum of their s², which finds one channel among many. It is 0 for the groups
// that use the mean of s² over all coordinates.
func (g Group) part() int {
	switch g {
	case GroupCM, GroupCV:
		return 1
	case GroupH:
		return shapeOrder
	}
	return 0
}

// soft reports whether a group's coordinates are far from normal in windows of few
// effective records, so that its tail needs as many degrees of freedom as those give.
func (g Group) soft() bool { return g == GroupS || g == GroupC || g == GroupCV }

// sized reports whether the expectation of a group's coordinates, and not their spread
// alone, depends on a pane's size.
func (g Group) sized() bool { return g == GroupCV || g == GroupC }

// scales returns the group that holds the scales of a group of levels, 0 for any other.
func (g Group) scales() Group {
	switch g {
	case GroupCM:
		return GroupCV
	case GroupM:
		return GroupC
	}
	return 0
}

// block is a group's place among the coordinates: columns lo to hi.
type block struct {
	group  Group
	lo, hi int
}

func (b block) width() int { return b.hi - b.lo }
