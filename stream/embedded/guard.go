package embedded

import (
	"encoding/binary"
	"fmt"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest bounds a request's bytes (socket.request.max.bytes).
const maxRequest = 100 << 20

// guard ends connections whose bytes are not Kafka requests before the broker
// sees them: it allocates what a length says and takes every request's key for
// a known one, so that a web browser on the port would end the process.
type guard struct{ net.Listener }

func (g guard) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guarded{Conn: conn}, nil
}

// guarded follows the requests that pass through it: 4 bytes of length, then
// that many bytes of which the first two are the key.
type guarded struct {
	net.Conn
	head [6]byte
	have int   // bytes of head
	left int64 // bytes of the request after head
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if bad := g.follow(p[:n]); bad != nil {
		_ = g.Close() // the error that matters is the client's
		return 0, bad
	}
	return n, err
}

func (g *guarded) follow(p []byte) error {
	for len(p) > 0 {
		if g.have < len(g.head) {
			n := copy(g.head[g.have:], p)
			g.have += n
			p = p[n:]
			if g.have >= 4 {
				size := binary.BigEndian.Uint32(g.head[:])
				if size < 8 || size > maxRequest {
					return fmt.Errorf("embedded: a request of %d bytes: not a Kafka client", size)
				}
				g.left = int64(size) - 2
			}
			if g.have == len(g.head) {
				if key := int16(binary.BigEndian.Uint16(g.head[4:])); kmsg.RequestForKey(key) == nil {
					return fmt.Errorf("embedded: a request with the unknown key %d", key)
				}
			}
			continue
		}
		n := min(int64(len(p)), g.left)
		p = p[n:]
		if g.left -= n; g.left == 0 {
			g.have = 0
		}
	}
	return nil
}
