package safetensors_test

import (
	"fmt"

	"phasor/snapshot/safetensors"
)

func Example() {
	f := safetensors.File{Metadata: map[string]string{"format": "phasor.sketch/1"}}
	f.Add(safetensors.Int64s("total/count", []int64{42}, 1))
	b, err := f.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}

	g, err := safetensors.Decode(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	count, err := g.Int64s("total/count", 1)
	fmt.Println(g.Format(), count, err)

	b[len(b)-1] ^= 1
	_, err = safetensors.Decode(b)
	fmt.Println(err != nil)
	// Output:
	// phasor.sketch/1 [42] <nil>
	// true
}
