package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// task is something that can be repeated: do works for a millisecond or so and says how many units it did.
type task struct {
	name string
	do   func() (units float64, err error)
}

// parts are the groups of tasks, each prepared when its worker starts.
var parts = map[string]func() ([]task, error){"sketch": sketchTasks, "step": stepTasks, "decode": decodeTasks, "linear": linearTasks}

// answer is what a request gives.
type answer struct {
	Cost        float64 `json:"cost"`        // Seconds of CPU a unit, in user and kernel mode.
	Allocations float64 `json:"allocations"` // A unit.
}

// serve prepares a part, prints a line with the names of its tasks, and then answers each line "NAME SECONDS" by
// repeating that task for so many seconds of CPU.
func serve(r io.Reader, w io.Writer, prepare func() ([]task, error)) error {
	runtime.GOMAXPROCS(1)
	tasks, err := prepare()
	if err != nil {
		return err
	}
	named := map[string]task{}
	var names []string
	for _, t := range tasks {
		if _, err := t.do(); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		named[t.name], names = t, append(names, t.name)
	}
	out := json.NewEncoder(w)
	if err := out.Encode(map[string]any{"tasks": names}); err != nil {
		return err
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, length, _ := strings.Cut(lines.Text(), " ")
		seconds, err := strconv.ParseFloat(length, 64)
		t, ok := named[name]
		if err != nil || !ok {
			return fmt.Errorf("request %q: want the name of a task and seconds", lines.Text())
		}
		a, err := measure(t, time.Duration(seconds*float64(time.Second)))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func measure(t task, least time.Duration) (answer, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	units, began, took := 0., cpuTime(), time.Duration(0)
	for took < least {
		n, err := t.do()
		if err != nil {
			return answer{}, err
		}
		units += n
		took = cpuTime() - began
	}
	runtime.ReadMemStats(&after)
	return answer{Cost: took.Seconds() / units, Allocations: float64(after.Mallocs-before.Mallocs) / units}, nil
}

// cpuTime is the CPU time of this process, in user and kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // The process itself can always be asked.
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
