package decode

// WithDefaults returns c with everything that it leaves open filled in: what a
// decoder works with. A log's computed channels are listed. The result decodes
// as c does and is its own WithDefaults.
func (c Config) WithDefaults() Config { return c.withDefaults() }
