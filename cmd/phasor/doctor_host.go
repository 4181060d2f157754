package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/mem"

	"phasor/sketcher"
	"phasor/sketcher/feature"
)

// checkListen tries the address of the role. Another Phasor there is no failure: it may be the one that is looked after.
func (d *doctor) checkListen(ctx context.Context) {
	l, err := net.Listen("tcp", d.cfg.Listen)
	if err == nil {
		text := "free"
		if !onLoopback(l) {
			text = "free, and open to every host that reaches it"
		}
		l.Close()
		d.ok("listen", d.cfg.Listen, "%s", text)
		return
	}
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	host, port, serr := net.SplitHostPort(d.cfg.Listen)
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	if serr == nil {
		req, rerr := http.NewRequestWithContext(asking, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/livez", nil)
		if rerr == nil {
			if res, aerr := http.DefaultClient.Do(req); aerr == nil {
				res.Body.Close()
				if res.StatusCode == http.StatusOK {
					d.warn("listen", d.cfg.Listen, "if that is this role, all is well", "in use by a program that answers /livez")
					return
				}
			}
		}
	}
	d.fail("listen", d.cfg.Listen, "choose another address as listen", "%v", err)
}

// sketchBytes is the size of one accumulator, in memory and in the store.
func sketchBytes(features, channels int) int64 {
	pairs := channels * (channels + 1) / 2
	if channels > 128 {
		pairs = channels
	}
	return int64(32*features + 16*pairs + channels*(16+8+8*feature.Bins+8))
}

// checkMemory estimates what a process that owns all partitions takes, and compares it with what there is.
func (d *doctor) checkMemory() {
	var usual, most int64 = 40 << 20, 40 << 20
	parts := 0
	for i := range d.cfg.Sketches {
		s := &d.cfg.Sketches[i]
		n := 0
		for _, t := range s.Topics {
			k := len(s.Partitions[t])
			if k == 0 {
				k = max(d.partitions[t], 1)
				if len(d.cfg.Kafka.Brokers) == 0 {
					k = d.cfg.Embedded.Partitions
				}
			}
			n += k
		}
		parts += n
		dim := len(s.Vector())
		features := s.Calibrate.Features
		if e := d.epochs[s.Name]; e != nil {
			features = e.Spec().Features
		} else if features == 0 {
			features = feature.DefaultFeatures(dim)
		}
		one := sketchBytes(features, dim)
		open := int64(math.Ceil(float64(s.Panes.Lateness)/float64(s.Panes.Length))) + 2
		fetched := 2 * int64(d.cfg.Kafka.Fetch.MaxBytes)
		usual += int64(n) * ((1+min(open, sketcher.MaxOpenPanes))*one + fetched)
		const unsaved = 64 // Sealed panes of a partition that may wait for the store.
		most += int64(n) * ((1+sketcher.MaxOpenPanes+unsaved)*one + fetched)
	}
	if d.c.Role == "run" {
		usual, most = usual+256<<20, most+512<<20 // The trainer.
	}
	limit, whose := memoryLimit()
	d.judgeMemory(parts, usual, most, limit, whose, debug.SetMemoryLimit(-1))
}

func (d *doctor) judgeMemory(parts int, usual, most, limit int64, whose string, soft int64) {
	subject := fmt.Sprintf("%d partitions", parts)
	text := fmt.Sprintf("about %s, %s while the store is away, if one process has them all; %s %s", size(uint64(usual)), size(uint64(most)), whose, size(uint64(limit)))
	switch {
	case usual > limit:
		d.fail("memory", subject, "share the partitions among more sketchers, or give more memory", "%s", text)
	case most > limit:
		d.warn("memory", subject, "it may not be enough while the store is away", "%s", text)
	case soft == math.MaxInt64 && whose == limitOfGroup:
		d.warn("memory", subject, fmt.Sprintf("set GOMEMLIMIT=%dMiB, 90 %% of it, so that the collector works before the kernel kills", limit*9/10>>20), "%s", text)
	case soft != math.MaxInt64 && soft > limit:
		d.warn("memory", subject, fmt.Sprintf("set it to %dMiB, 90 %% of what there is", limit*9/10>>20), "%s; GOMEMLIMIT is %s", text, size(uint64(soft)))
	default:
		d.ok("memory", subject, "%s", text)
	}
}

const limitOfGroup = "the limit of this container is"

// memoryLimit is the limit of the control group or, without one, what the machine has.
func memoryLimit() (int64, string) {
	total := int64(math.MaxInt64)
	if v, err := mem.VirtualMemory(); err == nil {
		total = int64(v.Total)
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n < total {
			return n, limitOfGroup
		}
	}
	return total, "this machine has"
}

// checkRuntime says which kernel is used and on how many processors.
func (d *doctor) checkRuntime() {
	kernel, best := feature.Kernel(), feature.Kernels()
	procs := runtime.GOMAXPROCS(0)
	text := fmt.Sprintf("kernel %s, GOMAXPROCS %d of %d processors", kernel, procs, runtime.NumCPU())
	parts := 0
	for _, n := range d.partitions {
		parts += n
	}
	switch {
	case kernel == "portable" && runtime.GOARCH == "amd64" && len(best) > 0 && best[0] != "portable":
		d.warn("runtime", runtime.GOARCH, "unset PHASOR_KERNEL, or build without the tag noasm", "%s: %s runs here and is up to 30 times as fast", text, best[0])
	case kernel == "portable":
		d.warn("runtime", runtime.GOARCH, "use a processor with AVX2 or AVX-512 for more than 80,000 records a second", "%s", text)
	case len(best) > 0 && kernel != best[0]:
		d.warn("runtime", runtime.GOARCH, "unset PHASOR_KERNEL unless it is meant", "%s: %s is the fastest here", text, best[0])
	case d.c.Role == "run" && procs < 2:
		d.warn("runtime", runtime.GOARCH, "give run two processors: a fit takes turns with the fold", "%s", text)
	case parts > 0 && procs > parts && d.c.Role == "sketcher" && procs > 2:
		d.ok("runtime", runtime.GOARCH, "%s; a partition is folded by one at a time, so %d help", text, parts)
	default:
		d.ok("runtime", runtime.GOARCH, "%s", text)
	}
}
