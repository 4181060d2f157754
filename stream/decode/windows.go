package decode

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"
)

// windows remembers the last values of each of up to limit keys. Keys are in a
// list from the one touched last to the one that was silent longest, and in a
// hash table with linear probing. Nothing depends on anything but the order of
// the calls.
type windows struct {
	limit, d, lags, stride int

	entries []windowEntry
	values  []float64 // of entry e from e*d*lags: a ring of lags records of d values
	index   []int32   // entry+1 by hash, 0 where none; a power of two
	newest  int32     // -1 if there is none
	oldest  int32
}

type windowEntry struct {
	key          xxh3.Uint128
	newer, older int32 // -1 at the ends
	next         int32 // the ring's place for the next record
	fill         int32 // records in the ring
	wait         int32 // records until a window is emitted
}

func newWindows(limit, d, lags, stride int) windows {
	return windows{limit: limit, d: d, lags: lags, stride: stride, newest: -1, oldest: -1}
}

// touch returns the entry of a key, made the newest; a new key may replace the
// oldest.
func (w *windows) touch(key xxh3.Uint128) int32 {
	if e, ok := w.find(key); ok {
		if e != w.newest {
			w.unlink(e)
			w.link(e)
		}
		return e
	}
	e := int32(len(w.entries))
	if len(w.entries) < w.limit {
		w.entries = append(w.entries, windowEntry{})
		for range w.d * w.lags {
			w.values = append(w.values, 0)
		}
		if 2*len(w.entries) > len(w.index) {
			w.grow()
		}
	} else {
		e = w.oldest
		w.unlink(e)
		w.remove(w.entries[e].key)
	}
	w.entries[e] = windowEntry{key: key, wait: int32(w.lags)}
	w.insert(e)
	w.link(e)
	return e
}

// push adds a record and says whether a window is due.
func (w *windows) push(e int32, x []float64) bool {
	n := &w.entries[e]
	at := (int(e)*w.lags + int(n.next)) * w.d
	copy(w.values[at:at+w.d], x)
	if n.next++; int(n.next) == w.lags {
		n.next = 0
	}
	n.fill = min(n.fill+1, int32(w.lags))
	if n.wait--; n.wait > 0 {
		return false
	}
	n.wait = int32(w.stride)
	return true
}

// record returns the values of the k-th oldest record of e.
func (w *windows) record(e int32, k int) []float64 {
	n := &w.entries[e]
	at := int(n.next) - int(n.fill) + k
	if at < 0 {
		at += w.lags
	}
	at = (int(e)*w.lags + at) * w.d
	return w.values[at : at+w.d]
}

// copyTo writes a full window, channel by channel.
func (w *windows) copyTo(x []float64, e int32) {
	for k := range w.lags {
		for c, v := range w.record(e, k) {
			x[c*w.lags+k] = v
		}
	}
}

func (w *windows) find(key xxh3.Uint128) (int32, bool) {
	if len(w.index) == 0 {
		return 0, false
	}
	mask := uint64(len(w.index) - 1)
	for i := key.Lo & mask; w.index[i] != 0; i = (i + 1) & mask {
		if e := w.index[i] - 1; w.entries[e].key == key {
			return e, true
		}
	}
	return 0, false
}

func (w *windows) insert(e int32) {
	mask := uint64(len(w.index) - 1)
	i := w.entries[e].key.Lo & mask
	for w.index[i] != 0 {
		i = (i + 1) & mask
	}
	w.index[i] = e + 1
}

// remove closes the gap that a key leaves, so that probing needs no tombstones.
func (w *windows) remove(key xxh3.Uint128) {
	mask := uint64(len(w.index) - 1)
	i := key.Lo & mask
	for w.entries[w.index[i]-1].key != key {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; w.index[j] != 0; j = (j + 1) & mask {
		home := w.entries[w.index[j]-1].key.Lo & mask
		if (j-home)&mask >= (j-i)&mask {
			w.index[i] = w.index[j]
			i = j
		}
	}
	w.index[i] = 0
}

// grow doubles the index and enters all but the last entry, which has no key yet.
func (w *windows) grow() {
	w.index = make([]int32, max(16, 2*len(w.index)))
	for e := range len(w.entries) - 1 {
		w.insert(int32(e))
	}
}

func (w *windows) link(e int32) {
	n := &w.entries[e]
	n.newer, n.older = -1, w.newest
	if w.newest >= 0 {
		w.entries[w.newest].newer = e
	} else {
		w.oldest = e
	}
	w.newest = e
}

func (w *windows) unlink(e int32) {
	n := &w.entries[e]
	if n.newer >= 0 {
		w.entries[n.newer].older = n.older
	} else {
		w.newest = n.older
	}
	if n.older >= 0 {
		w.entries[n.older].newer = n.newer
	} else {
		w.oldest = n.newer
	}
}

func (w *windows) stateBytes() int { return len(w.entries) * (24 + 8*w.d*w.lags) }

func (w *windows) appendState(b []byte) []byte {
	le := binary.LittleEndian
	for _, n := range []int{w.d, w.lags, len(w.entries)} {
		b = le.AppendUint32(b, uint32(n))
	}
	for e := w.oldest; e >= 0; e = w.entries[e].newer {
		n := &w.entries[e]
		b = le.AppendUint64(b, n.key.Hi)
		b = le.AppendUint64(b, n.key.Lo)
		b = le.AppendUint32(b, uint32(n.fill))
		b = le.AppendUint32(b, uint32(n.wait))
		for k := range int(n.fill) {
			for _, v := range w.record(e, k) {
				b = le.AppendUint64(b, math.Float64bits(v))
			}
		}
	}
	return b
}

// restore reads what appendState wrote into windows without entries.
func (w *windows) restore(b []byte) error {
	le := binary.LittleEndian
	bad := func(what string, a ...any) error {
		return fmt.Errorf("decode: state of windows %s: %w", fmt.Sprintf(what, a...), ErrState)
	}
	if len(b) < 12 {
		return bad("ends early")
	}
	d, lags, count := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])
	b = b[12:]
	if int64(d) != int64(w.d) || int64(lags) != int64(w.lags) || int64(count) > int64(w.limit) {
		return bad("of %d values of %d channels and %d keys, the configuration has %d, %d and at most %d", lags, d, count, w.lags, w.d, w.limit)
	}
	for range count {
		if len(b) < 24 {
			return bad("ends within a key")
		}
		key := xxh3.Uint128{Hi: le.Uint64(b), Lo: le.Uint64(b[8:])}
		fill, wait := le.Uint32(b[16:]), le.Uint32(b[20:])
		b = b[24:]
		full := int64(fill) == int64(lags)
		if fill == 0 || fill > lags || !full && wait != lags-fill || full && (wait == 0 || int64(wait) > int64(w.stride)) {
			return bad("has a key with %d of %d values and %d to wait for", fill, lags, wait)
		}
		if int64(len(b)) < 8*int64(fill)*int64(d) {
			return bad("ends within the values of a key")
		}
		if _, twice := w.find(key); twice {
			return bad("has a key twice")
		}
		e := w.touch(key)
		for range fill {
			at := (int(e)*w.lags + int(w.entries[e].next)) * w.d
			for k := range w.d {
				v := math.Float64frombits(le.Uint64(b))
				if v-v != 0 {
					return bad("holds a value that is not finite")
				}
				w.values[at+k] = v
				b = b[8:]
			}
			w.entries[e].next++
		}
		n := &w.entries[e]
		n.next, n.fill, n.wait = int32(int(n.next)%w.lags), int32(fill), int32(wait)
	}
	if len(b) > 0 {
		return bad("has %d bytes too many", len(b))
	}
	return nil
}
