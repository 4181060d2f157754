package decode

import "strconv"

// node is one name on the way to the fields that are wanted; they form a tree.
type node struct {
	target
	names    []string
	literals []string         // each name as plain JSON, quotes included; "" if it needs escapes
	kids     []int32          // the nodes of names
	index    map[string]int32 // of many names; else nil
	elements []int32          // the nodes of array elements, -1 where none
	next     int              // the name that is expected next
	array    bool             // the array whose elements are the channels
	seen     uint64           // the last record in which the node was met
	from, to int              // the part of the trail that its value left there
}

// at returns the node of a path that parsePath accepts.
func (s *scanner) at(path string) int32 {
	names, err := parsePath(path)
	if err != nil {
		panic(err) // Config.Validate has parsed it.
	}
	n := int32(0)
	for _, name := range names {
		n = s.child(n, name)
	}
	return n
}

func (s *scanner) child(n int32, name string) int32 {
	element := elementIndex(name)
	if element >= 0 {
		if e := s.nodes[n].elements; element < len(e) && e[element] >= 0 {
			return e[element]
		}
	} else {
		for i, other := range s.nodes[n].names {
			if other == name {
				return s.nodes[n].kids[i]
			}
		}
	}
	kid := int32(len(s.nodes))
	s.nodes = append(s.nodes, node{})
	nd := &s.nodes[n]
	nd.names = append(nd.names, name)
	nd.kids = append(nd.kids, kid)
	if element >= 0 {
		for len(nd.elements) <= element {
			nd.elements = append(nd.elements, -1)
		}
		nd.elements[element] = kid
	}
	return kid
}

// compile makes the tree ready for scanning.
func (s *scanner) compile() {
	for i := range s.nodes {
		nd := &s.nodes[i]
		nd.settle()
		for _, name := range nd.names {
			literal := `"` + name + `"`
			for j := 0; j < len(name); j++ {
				if name[j] < 0x20 || name[j] == '"' || name[j] == '\\' {
					literal = ""
				}
			}
			nd.literals = append(nd.literals, literal)
		}
		if len(nd.names) > 8 {
			nd.index = make(map[string]int32, len(nd.names))
			for j, name := range nd.names {
				nd.index[name] = int32(j)
			}
		}
	}
}

// fields places the time field and the fields of where.
func (s *scanner) fields(c Config) {
	if c.Time.Field != "" {
		s.timeField(&s.nodes[s.at(c.Time.Field)].target)
	}
	if c.Window.field() {
		nd := &s.nodes[s.at(c.Window.Key)]
		nd.wishes = append(nd.wishes, wish{keepKey, 1})
	}
	for w, key := range c.whereKeys() {
		nd := &s.nodes[s.at(key)]
		nd.where = append(nd.where, uint8(w))
	}
}

// channels places the channels, each by its path or as the elements of an array.
func (s *scanner) channels(c Config) {
	var array int32
	if c.Array != "" {
		array = s.at(c.Array)
		s.nodes[array].array = true
	}
	for k := range c.Channels {
		var n int32
		if c.Array != "" {
			n = s.child(array, strconv.Itoa(k))
		} else {
			n = s.at(c.path(k))
		}
		s.nodes[n].channels = append(s.nodes[n].channels, int32(k))
	}
}
