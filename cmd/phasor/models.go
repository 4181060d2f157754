package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"phasor/snapshot"
	"phasor/trainer"
)

type modelsCmd struct {
	List     modelsListCmd     `cmd:"" default:"withargs" help:"List the versions of a sketch's model."`
	Show     modelsShowCmd     `cmd:"" help:"Show the card of a version."`
	Promote  modelsPromoteCmd  `cmd:"" help:"Serve a version."`
	RollBack modelsRollBackCmd `cmd:"" name:"roll-back" help:"Serve the newest older version that was served before."`
}

// Help is shown by --help.
func (modelsCmd) Help() string {
	return `Examples:
  phasor models list --store /var/lib/phasor --name press-line-4
  phasor models show 12 --store /var/lib/phasor --name press-line-4 --json
  phasor models roll-back --store /var/lib/phasor --name press-line-4 --reason 'samples look wrong'`
}

// modelsFlags name a sketch in a store.
type modelsFlags struct {
	Store string `required:"" help:"Store of the models." placeholder:"URL"`
	Name  string `required:"" help:"Sketch in the store." placeholder:"NAME"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// open calls use with the newest epoch.
func (f *modelsFlags) open(e *env, use func(*snapshot.Epoch) error) error {
	return openEpoch(e, f.Store, f.Name, use)
}

// loadVersion loads a version that somebody asked for.
func loadVersion(e *env, ep *snapshot.Epoch, version int) (*snapshot.Model, error) {
	m, err := ep.LoadModel(e.ctx, version)
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil, fmt.Errorf("there is no version %d: \"phasor models list\" shows those there are", version)
	}
	return m, err
}

type modelsListCmd struct{ modelsFlags }

// Help is shown by --help.
func (modelsListCmd) Help() string {
	return `Examples:
  phasor models list --store /var/lib/phasor --name press-line-4
  phasor models list --store /var/lib/phasor --name press-line-4 --json`
}

// modelRow is one line of the list.
type modelRow struct {
	Version int           `json:"version"`
	Served  bool          `json:"served"`
	Size    int64         `json:"bytes"`
	Written time.Time     `json:"written"`
	Card    *trainer.Card `json:"card,omitempty"`
}

// Run runs the command.
func (c *modelsListCmd) Run(e *env) error {
	return c.open(e, func(ep *snapshot.Epoch) error {
		refs, err := ep.ListModels(e.ctx)
		if err != nil {
			return err
		}
		current, err := ep.Current(e.ctx)
		if err != nil && !errors.Is(err, snapshot.ErrNotExist) {
			return err
		}
		rows := make([]modelRow, 0, len(refs))
		for _, r := range refs {
			row := modelRow{Version: r.Version, Served: r.Version == current.Version, Size: r.Size, Written: r.Modified.UTC()}
			if m, err := ep.LoadModel(e.ctx, r.Version); err == nil {
				if card, err := trainer.ReadCard(m); err == nil {
					row.Card = &card
				}
			}
			rows = append(rows, row)
		}
		if c.JSON {
			return printJSON(e.stdout, rows)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "VERSION\tSERVED\tWRITTEN\tRECORDS\tHELD-OUT\tFLOOR\tEQUIVALENT RECORDS")
		for _, r := range rows {
			served, records, held, floor, equivalent := "", "?", "?", "?", "?"
			if r.Served {
				served = "yes"
			}
			if k := r.Card; k != nil {
				records, held, floor, equivalent = fmt.Sprint(k.Records), figure(k.Loss.HeldOut), figure(k.Loss.Floor), fmt.Sprintf("%.0f", k.Loss.EquivalentRecords)
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Version, served, r.Written.Format(time.RFC3339), records, held, floor, equivalent)
		}
		return w.Flush()
	})
}

type modelsShowCmd struct {
	modelsFlags
	Version int `arg:"" optional:"" help:"Version; default: the served one."`
}

// Help is shown by --help.
func (modelsShowCmd) Help() string {
	return `Examples:
  phasor models show --store /var/lib/phasor --name press-line-4
  phasor models show 12 --store /var/lib/phasor --name press-line-4 --json`
}

// Run runs the command.
func (c *modelsShowCmd) Run(e *env) error {
	return c.open(e, func(ep *snapshot.Epoch) error {
		v := c.Version
		if v == 0 {
			g, err := ep.Current(e.ctx)
			if errors.Is(err, snapshot.ErrNotExist) {
				return errors.New("no version is served yet: the trainer publishes the first")
			}
			if err != nil {
				return err
			}
			v = g.Version
		}
		m, err := loadVersion(e, ep, v)
		if err != nil {
			return err
		}
		if m.Card == nil {
			return fmt.Errorf("version %d has no card", v)
		}
		if c.JSON {
			return printJSON(e.stdout, json.RawMessage(m.Card))
		}
		_, err = fmt.Fprintf(e.stdout, "%s\n", m.Card)
		return err
	})
}

type modelsPromoteCmd struct {
	modelsFlags
	Version int    `arg:"" help:"Version to serve."`
	Reason  string `default:"operator" help:"Why, for the record."`
}

// Help is shown by --help.
func (modelsPromoteCmd) Help() string {
	return `Examples:
  phasor models promote 12 --store /var/lib/phasor --name press-line-4 --reason 'the summer model'`
}

// Run runs the command.
func (c *modelsPromoteCmd) Run(e *env) error {
	return c.open(e, func(ep *snapshot.Epoch) error { return promote(e, ep, c.Version, c.Reason, c.JSON) })
}

type modelsRollBackCmd struct {
	modelsFlags
	Reason string `default:"roll-back by operator" help:"Why, for the record."`
}

// Help is shown by --help.
func (modelsRollBackCmd) Help() string {
	return `Examples:
  phasor models roll-back --store /var/lib/phasor --name press-line-4 --reason 'samples look wrong'`
}

// Run runs the command.
func (c *modelsRollBackCmd) Run(e *env) error {
	return c.open(e, func(ep *snapshot.Epoch) error {
		generations, err := ep.Generations(e.ctx)
		if err != nil {
			return err
		}
		if len(generations) == 0 {
			return errors.New("no version is served yet: there is nothing to roll back")
		}
		for _, g := range generations[1:] {
			if g.Version < generations[0].Version {
				return promote(e, ep, g.Version, c.Reason, c.JSON)
			}
		}
		return fmt.Errorf("version %d is served and no older one was served before: promote one by its number", generations[0].Version)
	})
}

func promote(e *env, ep *snapshot.Epoch, version int, reason string, asJSON bool) error {
	if _, err := loadVersion(e, ep, version); err != nil {
		return err
	}
	g, err := ep.Publish(e.ctx, version, reason)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(e.stdout, map[string]any{"version": version, "generation": g})
	}
	fmt.Fprintf(e.stderr, "version %d is served, generation %d\n", version, g)
	return nil
}
