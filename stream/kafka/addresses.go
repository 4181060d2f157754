package kafka

import "fmt"

// Addresses are of the form host:port.
type Addresses []string

// UnmarshalYAML also takes an address that a parser sees as a pair, as some do with host:9092 in a list within braces.
func (a *Addresses) UnmarshalYAML(unmarshal func(any) error) error {
	var list []any
	if err := unmarshal(&list); err != nil {
		return err
	}
	*a = nil
	for _, v := range list {
		pair, ok := v.(map[string]any)
		if !ok {
			*a = append(*a, fmt.Sprint(v))
			continue
		}
		if len(pair) != 1 {
			return fmt.Errorf("brokers: %v is not an address: write host:port", v)
		}
		for host, port := range pair {
			*a = append(*a, fmt.Sprintf("%s:%v", host, port))
		}
	}
	return nil
}
