package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"phasor/sketcher/sketch"
	"phasor/snapshot"
)

type historyCmd struct {
	Store string `required:"" help:"Store of the panes." placeholder:"URL"`
	Name  string `required:"" help:"Sketch in the store." placeholder:"NAME"`
	Epoch int    `help:"Epoch to look at; default: the newest." placeholder:"N"`
	From  Time   `help:"Only panes from this time on." placeholder:"TIME"`
	To    Time   `help:"Only panes up to this time." placeholder:"TIME"`
	Out   string `help:"Merge the panes and write their sketch here." placeholder:"FILE"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (historyCmd) Help() string {
	return `Examples:
  phasor history --store /var/lib/phasor --name press-line-4
  phasor history --store /var/lib/phasor --name press-line-4 --from 2026-03-02 --to 2026-03-03 --out monday.safetensors
  phasor history --store /var/lib/phasor --name press-line-4 --epoch 1

It lists the panes that are kept of each partition, by their length; old ones have been merged into longer ones. With
--out it merges those of the range, the fewest that hold it. A pane that reaches across an end of the range is left
out, and counted. Sketches of different epochs cannot be merged: each has a feature map of its own, in its file spec.`
}

// historyRow is the panes of one partition and one length.
type historyRow struct {
	Topic     string    `json:"topic"`
	TopicID   string    `json:"topic_id"`
	Partition int       `json:"partition"`
	Length    string    `json:"pane"`
	Panes     int       `json:"panes"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Missing   int64     `json:"missing"` // Intervals between From and To without a pane of this length.
}

// history is what the command prints.
type history struct {
	Epoch   int          `json:"epoch"`
	Rows    []historyRow `json:"panes"`
	Across  int          `json:"across_the_ends"`
	Records int64        `json:"records,omitempty"` // Of the merged sketch.
	Out     string       `json:"out,omitempty"`
}

// Run runs the command.
func (c *historyCmd) Run(e *env) error {
	if err := checkRange(c.From, c.To); err != nil {
		return err
	}
	if c.Out != "" {
		if err := checkOut(c.Out); err != nil {
			return err
		}
	}
	var h history
	var r paneRange
	var a *sketch.Accumulator
	err := openEpochOf(e, c.Store, c.Name, c.Epoch, func(ep *snapshot.Epoch) (err error) {
		if r, err = panesIn(e.ctx, ep, c.From.ms(math.MinInt64), c.To.ms(math.MaxInt64)); err != nil {
			return err
		}
		h = history{Epoch: ep.Number, Rows: append([]historyRow{}, historyRows(r.within)...), Across: r.across}
		if c.Out != "" {
			a, err = r.merge(e.ctx, c.Store)
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.Out != "" {
		b, err := a.Encode()
		if err != nil {
			return err
		}
		if err := writeFile(c.Out, b); err != nil {
			return err
		}
		h.Records, h.Out = a.Count(), c.Out
	}
	r.warn(e, "that range")
	return c.print(e, h)
}

// historyRows counts panes by partition and length.
func historyRows(panes []snapshot.PaneRef) []historyRow {
	slices.SortFunc(panes, func(a, b snapshot.PaneRef) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.TopicID, b.TopicID), cmp.Compare(a.Partition, b.Partition),
			cmp.Compare(a.Length, b.Length), cmp.Compare(a.Start, b.Start))
	})
	var rows []historyRow
	for len(panes) > 0 {
		first := panes[0]
		n := slices.IndexFunc(panes, func(p snapshot.PaneRef) bool { return p.PartitionID != first.PartitionID || p.Length != first.Length })
		if n < 0 {
			n = len(panes)
		}
		end := panes[n-1].End()
		rows = append(rows, historyRow{Topic: first.Topic, TopicID: first.TopicID, Partition: first.Partition,
			Length: Duration(time.Duration(first.Length) * time.Millisecond).String(), Panes: n,
			From: time.UnixMilli(first.Start).UTC(), To: time.UnixMilli(end).UTC(), Missing: (end-first.Start)/first.Length - int64(n)})
		panes = panes[n:]
	}
	return rows
}

func (c *historyCmd) print(e *env, h history) error {
	if c.JSON {
		return printJSON(e.stdout, h)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITION\tPANE\tPANES\tFROM\tTO\tMISSING")
	for _, r := range h.Rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%s\t%d\n", r.Topic, r.Partition, r.Length, r.Panes, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.Missing)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if h.Out != "" {
		fmt.Fprintf(e.stderr, "%d records in %s\n", h.Records, h.Out)
	}
	return nil
}
