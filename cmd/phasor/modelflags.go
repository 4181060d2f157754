package main

import (
	"errors"
	"fmt"

	"phasor/snapshot"
	"phasor/trainer/generator"
)

// modelFlags name a model: a file, or a version in a store.
type modelFlags struct {
	Model  string `help:"Model to use." type:"existingfile" placeholder:"FILE"`
	Store  string `help:"Store to take the served model from, instead of --model." placeholder:"URL"`
	Name   string `help:"Sketch in the store." placeholder:"NAME"`
	Number int    `name:"model-version" help:"Version; default: the served one." placeholder:"V"`
}

// file says that the flags name a file. An environment variable may name a store all the same.
func (c *modelFlags) file(e *env) bool { return c.Model != "" && !e.typed["store"] }

// model reads the model.
func (c *modelFlags) model(e *env) (*generator.Model, error) {
	if c.Number < 0 {
		return nil, usagef("--model-version is %d: versions are counted from 1", c.Number)
	}
	if c.file(e) {
		if c.Number != 0 {
			return nil, usagef("--model-version is for a store: a file holds one version")
		}
		return readModel(c.Model)
	}
	if c.Store == "" || c.Name == "" || c.Model != "" {
		return nil, usagef("give --model, or --store and --name")
	}
	var m *snapshot.Model
	err := openEpoch(e, c.Store, c.Name, func(ep *snapshot.Epoch) (err error) {
		if c.Number == 0 {
			if m, _, err = ep.LoadCurrent(e.ctx); errors.Is(err, snapshot.ErrNotExist) {
				return fmt.Errorf("store %s: sketch %q has no model yet: the trainer publishes the first", shown(c.Store), c.Name)
			}
			return err
		}
		m, err = loadVersion(e, ep, c.Number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return generator.DecodeModel(m.Data)
}
