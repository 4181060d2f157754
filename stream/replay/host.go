package replay

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
)

// Host is this machine's telemetry, one row an interval. Rates are means over
// the interval. In a container, some figures are the container's and some the
// machine's, as the system reports them.
//
//	cpu_pct              busy time of all processors
//	load1                load average of a minute
//	memory_pct           memory in use
//	disk_read_bytes_s    all disks, without their partitions and loop devices
//	disk_write_bytes_s
//	net_rx_bytes_s       all interfaces but the loopback
//	net_tx_bytes_s
//	context_switches_s
//
// Figures that the system does not offer when the feed begins are left out.
type Host struct {
	ctx      context.Context
	interval time.Duration
	probes   []probe
	names    []string
	x        []float64
	before   []float64
	at, next time.Time
}

// probe reads one or two figures: levels, or counters whose rate is wanted.
type probe struct {
	names   []string
	counter bool
	read    func(context.Context) ([]float64, error)
}

var hostProbes = []probe{
	{[]string{"cpu_pct"}, true, readCPU},
	{[]string{"load1"}, false, readLoad},
	{[]string{"memory_pct"}, false, readMemory},
	{[]string{"disk_read_bytes_s", "disk_write_bytes_s"}, true, readDisks},
	{[]string{"net_rx_bytes_s", "net_tx_bytes_s"}, true, readNetwork},
	{[]string{"context_switches_s"}, true, readSwitches},
}

// NewHost returns the telemetry at an interval, until ctx ends.
func NewHost(ctx context.Context, interval time.Duration) (*Host, error) {
	if interval < 10*time.Millisecond {
		return nil, fmt.Errorf("replay: host: an interval of %v: give 10ms or more, the system's counters are no finer", interval)
	}
	h := &Host{ctx: ctx, interval: interval, at: time.Now()}
	h.next = h.at.Add(interval)
	var failed error
	for _, p := range hostProbes {
		v, err := p.read(ctx)
		if err != nil {
			failed = err
			continue
		}
		h.probes = append(h.probes, p)
		h.names = append(h.names, p.names...)
		h.before = append(h.before, v...)
	}
	if len(h.probes) == 0 {
		return nil, fmt.Errorf("replay: host: the system offers no figures: %w", failed)
	}
	h.x = make([]float64, len(h.names))
	return h, nil
}

// Channels implements Feed.
func (h *Host) Channels() []string { return append([]string(nil), h.names...) }

// Next implements Feed. It waits for the end of the interval.
func (h *Host) Next() ([]float64, int64, error) {
	timer := time.NewTimer(time.Until(h.next))
	defer timer.Stop()
	select {
	case <-h.ctx.Done():
		return nil, -1, h.ctx.Err()
	case <-timer.C:
	}
	now := time.Now()
	seconds := now.Sub(h.at).Seconds()
	h.at = now
	// After a pause of the process, intervals that passed are not made up for.
	if h.next = h.next.Add(h.interval); h.next.Before(now) {
		h.next = now.Add(h.interval)
	}
	k := 0
	for _, p := range h.probes {
		v, err := p.read(h.ctx)
		if err != nil {
			if h.ctx.Err() != nil {
				return nil, -1, h.ctx.Err()
			}
			return nil, -1, fmt.Errorf("replay: host: %s: %w", p.names[0], err)
		}
		for _, now := range v {
			h.x[k] = now
			if p.counter {
				// A counter that was reset, or a device that left, gives no rate.
				h.x[k] = min(max(0, now-h.before[k])/seconds, p.limit())
				h.before[k] = now
			}
			k++
		}
	}
	return h.x, now.UnixMilli(), nil
}

// limit is 100 for the processors: their times advance in coarse ticks, which
// over a short interval can add up to more.
func (p *probe) limit() float64 {
	if p.names[0] == "cpu_pct" {
		return 100
	}
	return math.MaxFloat64
}

// readCPU returns the busy time in seconds per processor, times 100: its rate is
// a percentage.
func readCPU(ctx context.Context) ([]float64, error) {
	t, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("no processor times")
	}
	n, err := cpu.CountsWithContext(ctx, true)
	if err != nil {
		return nil, err
	}
	busy := t[0].User + t[0].System + t[0].Nice + t[0].Irq + t[0].Softirq + t[0].Steal
	return []float64{100 * busy / float64(max(1, n))}, nil
}

func readLoad(ctx context.Context) ([]float64, error) {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return []float64{l.Load1}, nil
}

func readMemory(ctx context.Context) ([]float64, error) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return []float64{m.UsedPercent}, nil
}

func readDisks(ctx context.Context) ([]float64, error) {
	disks, err := disk.IOCountersWithContext(ctx)
	if err != nil {
		return nil, err
	}
	var read, written float64
	for name, d := range disks {
		if wholeDisk(name, disks) {
			read += float64(d.ReadBytes)
			written += float64(d.WriteBytes)
		}
	}
	return []float64{read, written}, nil
}

// wholeDisk refuses devices that repeat what another one counts.
func wholeDisk(name string, disks map[string]disk.IOCountersStat) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for other := range disks {
		if len(other) < len(name) && strings.HasPrefix(name, other) {
			if rest := strings.TrimPrefix(name[len(other):], "p"); strings.Trim(rest, "0123456789") == "" {
				return false
			}
		}
	}
	return true
}

func readNetwork(ctx context.Context) ([]float64, error) {
	interfaces, err := net.IOCountersWithContext(ctx, true)
	if err != nil {
		return nil, err
	}
	var received, sent float64
	for _, n := range interfaces {
		if n.Name != "lo" && n.Name != "lo0" {
			received += float64(n.BytesRecv)
			sent += float64(n.BytesSent)
		}
	}
	return []float64{received, sent}, nil
}

func readSwitches(ctx context.Context) ([]float64, error) {
	m, err := load.MiscWithContext(ctx)
	if err != nil {
		return nil, err
	}
	if m.Ctxt <= 0 {
		return nil, fmt.Errorf("no count of context switches")
	}
	return []float64{float64(m.Ctxt)}, nil
}
