package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"phasor/sketcher/sketch"
	"phasor/snapshot/safetensors"
)

// FORMAT phasor.state/1, the state of one partition.
//
//	metadata    channels    names of the channels, a list
//	            features    m, decimal
//	            topic, topic.id, partition
//	            follows     the topic id whose state this one continues, if any
//	            fold        how the log was folded: a list of [key, value]
//	            rejects     reasons, a list in bytewise order, if any
//	            gaps        reasons, a list in the order of the gaps, if any
//	tensors     sealed/…          the accumulator of the records that are in no open pane
//	            pane/<start>/…    one accumulator for each open pane; start in Unix milliseconds, decimal
//	            start, next       I64 [1]    offsets
//	            watermark         I64 [1]    Unix milliseconds, -2^63 before the first event time
//	            recent            I64 [n]    last event times, oldest first, n ≤ 4, if any
//	            rejects           I64 [n]    records rejected, in the order of the reasons, if any; none is zero
//	            late, early, missing    I64 [1]
//	            gaps              I64 [n,2]  offsets from, to, if any
//	            side/count        I64 [1]    records delivered
//	            side/offsets      I64 [2]    sum of their offsets, 128 bits
//	            side/hashes       I64 [1]    xor of their 64-bit hashes
//	            last/offset       I64 [1]    of the last record delivered, -1 if there was none
//	            last/sha256       U8 [32]    its hash
//	            decoder           U8 [n]     the decoder's own state, if any
//
// The tensors of an accumulator are specified in package sketch.

const openPrefix = "pane/"

// Encode returns the state as phasor.state/1. Equal states have equal bytes; s is not changed.
func (s *State) Encode() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	f := newFile(FormatState, s.MapFingerprint())
	m := f.Metadata
	m["channels"] = text(s.Sealed.Channels())
	m["features"] = strconv.Itoa(s.Sealed.Features())
	m["topic"], m["topic.id"], m["partition"] = s.Topic, s.TopicID, strconv.Itoa(s.Partition)
	if s.Follows != "" {
		m["follows"] = s.Follows
	}
	fold := make([][2]string, len(s.Fold))
	for i, field := range s.Fold {
		fold[i] = [2]string{field.Key, field.Value}
	}
	m["fold"] = text(fold)

	s.Sealed.AppendTo(f, "sealed")
	for _, start := range slices.Sorted(maps.Keys(s.Open)) {
		s.Open[start].AppendTo(f, openPrefix+strconv.FormatInt(start, 10))
	}
	f.Add(
		safetensors.Int64s("start", []int64{s.Start}, 1),
		safetensors.Int64s("next", []int64{s.Next}, 1),
		safetensors.Int64s("watermark", []int64{s.Watermark}, 1),
		safetensors.Int64s("late", []int64{s.Late}, 1),
		safetensors.Int64s("early", []int64{s.Early}, 1),
		safetensors.Int64s("missing", []int64{s.Missing}, 1),
		safetensors.Int64s("side/count", []int64{s.Side.Count}, 1),
		safetensors.Int64s("side/offsets", []int64{int64(s.Side.OffsetSum.Lo), s.Side.OffsetSum.Hi}, 2),
		safetensors.Int64s("side/hashes", []int64{int64(s.Side.HashXor)}, 1),
		safetensors.Int64s("last/offset", []int64{s.LastOffset}, 1),
		safetensors.Uint8s("last/sha256", s.LastHash[:], len(s.LastHash)),
	)
	if len(s.Recent) > 0 {
		f.Add(safetensors.Int64s("recent", s.Recent, len(s.Recent)))
	}
	if len(s.Decoder) > 0 {
		f.Add(safetensors.Uint8s("decoder", s.Decoder, len(s.Decoder)))
	}
	s.addRejects(f)
	s.addGaps(f)
	return f.Encode()
}

func (s *State) addRejects(f *safetensors.File) {
	var reasons []string
	var counts []int64
	for _, reason := range slices.Sorted(maps.Keys(s.Rejects)) {
		if n := s.Rejects[reason]; n != 0 {
			reasons, counts = append(reasons, reason), append(counts, n)
		}
	}
	if len(reasons) > 0 {
		f.Metadata["rejects"] = text(reasons)
		f.Add(safetensors.Int64s("rejects", counts, len(counts)))
	}
}

func (s *State) addGaps(f *safetensors.File) {
	if len(s.Gaps) == 0 {
		return
	}
	var reasons []string
	var offsets []int64
	for _, g := range s.Gaps {
		reasons, offsets = append(reasons, g.Reason), append(offsets, g.From, g.To)
	}
	f.Metadata["gaps"] = text(reasons)
	f.Add(safetensors.Int64s("gaps", offsets, len(reasons), 2))
}

// DecodeState reads a phasor.state/1. The error wraps [ErrCorrupt] or [ErrVersion].
func DecodeState(b []byte) (*State, error) {
	f, err := openFile(b, FormatState)
	if err != nil {
		return nil, fmt.Errorf("snapshot: decode state: %w", err)
	}
	s, err := readState(f)
	if err == nil {
		err = sameBytes(b, s.Encode)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: decode state: %w", err)
	}
	return s, nil
}

func readState(f *safetensors.File) (*State, error) {
	m := f.Metadata
	s := &State{PartitionID: PartitionID{Topic: m["topic"], TopicID: m["topic.id"]}, Follows: m["follows"]}
	var err error
	if s.Partition, err = number(f, "partition"); err != nil {
		return nil, err
	}
	var fold [][2]string
	if err := parse(f, "fold", &fold); err != nil {
		return nil, err
	}
	for _, field := range fold {
		s.Fold = append(s.Fold, Field{field[0], field[1]})
	}
	for name, v := range map[string]*int64{
		"start": &s.Start, "next": &s.Next, "watermark": &s.Watermark, "late": &s.Late, "early": &s.Early,
		"missing": &s.Missing, "side/count": &s.Side.Count, "last/offset": &s.LastOffset,
	} {
		if *v, err = scalar(f, name); err != nil {
			return nil, err
		}
	}
	if err := s.readSide(f); err != nil {
		return nil, err
	}
	if err := s.readLists(f); err != nil {
		return nil, err
	}
	return s, s.readAccumulators(f)
}

func (s *State) readSide(f *safetensors.File) error {
	sum, err := f.Int64s("side/offsets", 2)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	s.Side.OffsetSum = Sum128{Lo: uint64(sum[0]), Hi: sum[1]}
	xor, err := scalar(f, "side/hashes")
	if err != nil {
		return err
	}
	s.Side.HashXor = uint64(xor)
	last, err := f.Uint8s("last/sha256", len(s.LastHash))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	copy(s.LastHash[:], last)
	return nil
}

// readLists reads what is there only if there is any of it.
func (s *State) readLists(f *safetensors.File) error {
	var err error
	has := func(name string) bool {
		_, ok := f.Tensor(name)
		return ok && err == nil
	}
	if has("recent") {
		s.Recent, err = f.Int64s("recent", -1)
	}
	if has("decoder") {
		s.Decoder, err = f.Uint8s("decoder", -1)
	}
	var reasons []string
	if has("rejects") {
		if err = parse(f, "rejects", &reasons); err == nil {
			var counts []int64
			counts, err = f.Int64s("rejects", len(reasons))
			s.Rejects = make(map[string]int64, len(counts))
			for i, n := range counts {
				s.Rejects[reasons[i]] = n
			}
		}
	}
	if has("gaps") {
		reasons = nil
		if err = parse(f, "gaps", &reasons); err == nil {
			var offsets []int64
			offsets, err = f.Int64s("gaps", len(reasons), 2)
			for i := range len(offsets) / 2 {
				s.Gaps = append(s.Gaps, Gap{From: offsets[2*i], To: offsets[2*i+1], Reason: reasons[i]})
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

func (s *State) readAccumulators(f *safetensors.File) error {
	read, err := accumulators(f)
	if err != nil {
		return err
	}
	if s.Sealed, err = read("sealed"); err != nil {
		return err
	}
	for _, t := range f.Tensors {
		name, ok := strings.CutSuffix(t.Name, "/count")
		if !ok || !strings.HasPrefix(name, openPrefix) {
			continue
		}
		start, err := strconv.ParseInt(name[len(openPrefix):], 10, 64)
		if err != nil {
			return fmt.Errorf("%w: tensor %s: its pane has no start", ErrCorrupt, t.Name)
		}
		a, err := read(name)
		if err != nil {
			return err
		}
		if s.Open == nil {
			s.Open = map[int64]*sketch.Accumulator{}
		}
		s.Open[start] = a
	}
	return nil
}

// accumulators returns a function that reads the accumulators of f by name.
func accumulators(f *safetensors.File) (func(name string) (*sketch.Accumulator, error), error) {
	var channels []string
	if err := parse(f, "channels", &channels); err != nil {
		return nil, err
	}
	features, err := number(f, "features")
	if err != nil {
		return nil, err
	}
	return func(name string) (*sketch.Accumulator, error) {
		a, err := sketch.Read(f, name, f.Metadata["map"], channels, features)
		if err != nil {
			return nil, fmt.Errorf("%w: accumulator %s: %w", ErrCorrupt, name, err)
		}
		return a, nil
	}, nil
}
