package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"phasor/stream/decode"
)

// skabSensors are the channels of SKAB, in the order of its files.
var skabSensors = []string{
	"Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure",
	"Temperature", "Thermocouple", "Voltage", "Volume Flow RateRMS",
}

// skabFolders are its folders in the order in which they are read.
var skabFolders = []string{"anomaly-free", "other", "valve1", "valve2"}

// SKABOptions says how the benchmark is replayed.
type SKABOptions struct {
	// Step stamps row i with Start + i Step instead of the time in its file;
	// 0 keeps the files' times, which jump between files, also backwards.
	Step  time.Duration
	Start int64 // unix milliseconds
	// Folders chooses among anomaly-free, other, valve1 and valve2; empty is all.
	Folders []string
}

// SKAB replays the Skoltech Anomaly Benchmark: eight sensors of a water
// circulation loop at 1 Hz, in 35 experiments most of which contain one labelled
// fault.
//
// The files are read in a fixed order: anomaly-free, then other, valve1 and
// valve2, within a folder by number. The channels are in the order of the
// files: two accelerometers, motor current, loop pressure, engine temperature,
// fluid temperature (thermocouple), voltage and flow rate.
type SKAB struct {
	opt     SKABOptions
	files   []string
	next    int
	table   *Table
	labels  bool
	row     int64
	anomaly bool
	change  bool
}

// NewSKAB opens the benchmark under dir, which holds the folders of experiments
// or the folder data with them.
func NewSKAB(dir string, opt SKABOptions) (*SKAB, error) {
	if opt.Step < 0 || opt.Step%time.Millisecond != 0 {
		return nil, fmt.Errorf("replay: skab: a step of %v: give whole milliseconds, or 0 to keep the files' times", opt.Step)
	}
	folders := opt.Folders
	if len(folders) == 0 {
		folders = skabFolders
	}
	s := &SKAB{opt: opt}
	for _, folder := range folders {
		if !slices.Contains(skabFolders, folder) {
			return nil, fmt.Errorf("replay: skab: no folder %q: choose among %s", folder, strings.Join(skabFolders, ", "))
		}
		var found []string
		for _, base := range []string{dir, filepath.Join(dir, "data")} {
			entries, err := os.ReadDir(filepath.Join(base, folder))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("replay: skab: %w", err)
			}
			for _, e := range entries {
				if !e.IsDir() && strings.HasSuffix(e.Name(), ".csv") {
					found = append(found, filepath.Join(base, folder, e.Name()))
				}
			}
			break
		}
		slices.SortFunc(found, func(a, b string) int {
			return cmp.Or(cmp.Compare(fileNumber(a), fileNumber(b)), cmp.Compare(a, b))
		})
		s.files = append(s.files, found...)
	}
	if len(s.files) == 0 {
		return nil, fmt.Errorf("replay: skab: no csv files in %s: give the folder that holds %s, or the one above its data folder", dir, strings.Join(folders, ", "))
	}
	return s, nil
}

func fileNumber(path string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".csv"))
	if err != nil {
		return 1 << 30
	}
	return n
}

// Files lists the files in the order in which they are read.
func (s *SKAB) Files() []string { return slices.Clone(s.files) }

// Channels implements Feed.
func (s *SKAB) Channels() []string { return slices.Clone(skabSensors) }

// File is the file of the last row, as folder/name.
func (s *SKAB) File() string {
	if s.next == 0 {
		return ""
	}
	path := s.files[s.next-1]
	return filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
}

// Labels are those of the last row: whether it belongs to an anomaly, and
// whether a change point is marked at it.
func (s *SKAB) Labels() (anomaly, changepoint bool) { return s.anomaly, s.change }

// Next implements Feed.
func (s *SKAB) Next() ([]float64, int64, error) {
	for {
		if s.table == nil {
			if s.next == len(s.files) {
				return nil, -1, io.EOF
			}
			if err := s.open(s.files[s.next]); err != nil {
				return nil, -1, err
			}
			s.next++
		}
		x, ms, err := s.table.Next()
		if err == io.EOF {
			s.table = nil
			continue
		}
		if err != nil {
			return nil, -1, err
		}
		n := len(skabSensors)
		s.anomaly = s.labels && x[n] != 0
		s.change = s.labels && x[n+1] != 0
		if s.opt.Step > 0 {
			ms = s.opt.Start + s.row*s.opt.Step.Milliseconds()
		}
		s.row++
		return x[:n:n], ms, nil
	}
}

func (s *SKAB) open(path string) error {
	opt := Options{Header: "yes", Decode: decode.Config{CSV: decode.CSV{Delimiter: ";", Decimal: "."}, Time: decode.Time{Field: "datetime", Unit: "datetime"}}}
	for _, name := range skabSensors {
		opt.Decode.Channels = append(opt.Decode.Channels, decode.Channel{Name: name})
	}
	labelled := opt
	labelled.Decode.Channels = append(slices.Clone(opt.Decode.Channels), decode.Channel{Name: "anomaly"}, decode.Channel{Name: "changepoint"})
	s.labels = filepath.Base(filepath.Dir(path)) != "anomaly-free"
	if s.labels {
		opt = labelled
	}
	table, err := OpenCSV(path, opt)
	if err != nil {
		return err
	}
	s.table = table
	return nil
}

// Close closes the open file.
func (s *SKAB) Close() error {
	s.next = len(s.files)
	if t := s.table; t != nil {
		s.table = nil
		return t.Close()
	}
	return nil
}
