package main

import (
	"fmt"

	"phasor/trainer/onnx"
)

type exportCmd struct {
	modelFlags
	ONNX string `name:"onnx" required:"" help:"ONNX file to write." placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (exportCmd) Help() string {
	return `Examples:
  phasor export --model model.safetensors --onnx generator.onnx
  phasor export --store /var/lib/phasor --name press-line-4 --onnx generator.onnx

The input "latent" takes normal numbers, one row a record; the output "record" has the channels in physical units. Their
names are in the file's metadata. In Python:
  s = onnxruntime.InferenceSession("generator.onnx")
  x, = s.run(["record"], {"latent": rng.standard_normal((1000, s.get_inputs()[0].shape[1]), dtype="float32")})`
}

// Run runs the command.
func (c *exportCmd) Run(e *env) error {
	if err := checkOut(c.ONNX); err != nil {
		return err
	}
	m, err := c.model(e)
	if err != nil {
		return err
	}
	b, err := onnx.Generator(m)
	if err != nil {
		return err
	}
	if err := writeFile(c.ONNX, b); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"out": c.ONNX, "bytes": len(b), "latents": m.Latent(), "channels": m.Names()})
	}
	fmt.Fprintf(e.stderr, "a generator of %d channels from %d latents in %s\n", m.Dim(), m.Latent(), c.ONNX)
	return nil
}
