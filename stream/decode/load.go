package decode

// Load reads the files that c names: the schema of avro and the descriptors of
// protobuf. What it returns does not depend on the files any more, and decoders
// that are made of it share what they fetch. New loads what is not loaded.
func (c Config) Load() (Config, error) {
	if err := c.Validate(); err != nil {
		return c, err
	}
	var err error
	switch {
	case c.Format == "avro" && c.Avro.loaded == nil:
		c.Avro.loaded, err = c.Avro.load()
	case c.Format == "protobuf" && c.Protobuf.loaded == nil:
		c.Protobuf.loaded, err = c.Protobuf.load()
	}
	return c, err
}

// fingerprint is what decides how values are read: the schema, or that it is the
// records that name it.
func (c Avro) fingerprint() []string {
	if c.Schema == "" {
		return []string{"registry"}
	}
	source := c.loaded
	if source == nil {
		var err error
		if source, err = c.load(); err != nil {
			return []string{"unread", c.Schema}
		}
	}
	return []string{"schema", source.sum}
}

func (c Protobuf) fingerprint() []string {
	wire := c.Wire
	if wire == "" {
		wire = "plain"
	}
	source := c.loaded
	if source == nil {
		var err error
		if source, err = c.load(); err != nil {
			return []string{"unread", c.Descriptors, c.Message}
		}
	}
	return []string{c.Message, wire, source.sum}
}
