// Command gosec runs gosec's rules under "go vet -vettool", which caches what it found. Its own command would take
// clients of several language models with it.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/securego/gosec/v2/goanalysis"
)

func main() { unitchecker.Main(goanalysis.Analyzer) }
