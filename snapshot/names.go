package snapshot

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// PartitionID names a partition of one incarnation of a topic. Its fields are those of stream.PartitionID, so that one
// converts to the other.
type PartitionID struct {
	Topic     string
	TopicID   string // "-" where the broker has none.
	Partition int
}

// String is topic/partition.
func (p PartitionID) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }

func (p PartitionID) validate() error {
	switch {
	case p.Topic == "" || p.TopicID == "":
		return fmt.Errorf("snapshot: partition %q of topic id %q: both must be given; a broker without topic ids has the id -", p, p.TopicID)
	case p.Partition < 0:
		return fmt.Errorf("snapshot: partition %q: the number must not be negative", p)
	case len(topicFolder(p)) > maxSegment:
		return fmt.Errorf("snapshot: partition %q: the topic's name is too long for a folder of the store: %d bytes, at most %d", p, len(topicFolder(p)), maxSegment)
	}
	return nil
}

// maxSegment is the longest part of a name that every file system takes.
const maxSegment = 255

// folder is <topic>.<topic id>/<partition>.
func (p PartitionID) folder() string { return topicFolder(p) + "/" + strconv.Itoa(p.Partition) }

func topicFolder(p PartitionID) string {
	return escape(p.Topic, ".") + "." + escape(p.TopicID, "")
}

// escape writes every byte of s outside letters, digits, '_', '-' and those in also as %XX.
func escape(s, also string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', strings.IndexByte(also, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sketchFolder is the folder of a sketch: never empty, hidden or a way out.
func sketchFolder(sketch string) string {
	if sketch == "" {
		return "%"
	}
	s := escape(sketch, ".")
	if s[0] == '.' {
		s = "%2E" + s[1:]
	}
	return s
}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if len(s)-i < 3 {
			return "", false
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), true
}

// parsePartition reads <topic>.<topic id> and <partition>. Names that this package would not write are refused.
func parsePartition(topic, partition string) (p PartitionID, ok bool) {
	dot := strings.LastIndexByte(topic, '.')
	if dot < 0 {
		return p, false
	}
	var okTopic, okID bool
	p.Topic, okTopic = unescape(topic[:dot])
	p.TopicID, okID = unescape(topic[dot+1:])
	n, err := strconv.Atoi(partition)
	p.Partition = n
	return p, okTopic && okID && err == nil && p.validate() == nil && p.folder() == topic+"/"+partition
}

func (e *Epoch) name(kind string, parts ...string) string {
	return e.prefix + kind + "/" + path.Join(parts...)
}

func (e *Epoch) stateName(p PartitionID, next int64) string {
	return e.name("state", p.folder(), fmt.Sprintf("%020d", next))
}

func (e *Epoch) paneName(r PaneRef) string {
	return e.name("panes", r.folder(), strconv.FormatInt(r.Length, 10), fmt.Sprintf("%020d", r.Start))
}

func (e *Epoch) modelName(version int) string { return e.name("models", fmt.Sprintf("%010d", version)) }

func (e *Epoch) currentName(generation int) string {
	return e.name("current", fmt.Sprintf("%010d", generation))
}

// parseState reads the name of a state.
func (e *Epoch) parseState(name string) (p PartitionID, next int64, ok bool) {
	part := strings.Split(strings.TrimPrefix(name, e.prefix+"state/"), "/")
	if len(part) != 3 {
		return p, 0, false
	}
	p, ok = parsePartition(part[0], part[1])
	next, err := strconv.ParseInt(part[2], 10, 64)
	return p, next, ok && err == nil && next >= 0 && e.stateName(p, next) == name
}

// parsePane reads the name of a pane.
func (e *Epoch) parsePane(name string) (r PaneRef, ok bool) {
	part := strings.Split(strings.TrimPrefix(name, e.prefix+"panes/"), "/")
	if len(part) != 4 {
		return r, false
	}
	r.PartitionID, ok = parsePartition(part[0], part[1])
	length, err1 := strconv.ParseInt(part[2], 10, 64)
	start, err2 := strconv.ParseInt(part[3], 10, 64)
	r.Length, r.Start = length, start
	return r, ok && err1 == nil && err2 == nil && r.validate() == nil && e.paneName(r) == name
}

// parseNumber reads a name that ends in a number of 10 digits, perhaps with an extension.
func (e *Epoch) parseNumber(kind, name string) (n int, extension string, ok bool) {
	s := strings.TrimPrefix(name, e.prefix+kind+"/")
	if len(s) < 10 {
		return 0, "", false
	}
	n, err := strconv.Atoi(s[:10])
	return n, s[10:], err == nil && n > 0 && fmt.Sprintf("%010d", n) == s[:10]
}
