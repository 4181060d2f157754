// Package embedded runs a Kafka broker inside the process, for demonstrations,
// single machines without a Kafka of their own, and tests. It is one broker on
// the loopback interface that speaks the protocol (produce, fetch, groups,
// transactions, SASL, TLS) and keeps its log in memory or in a folder.
//
// It is not replicated. With a folder, what a producer was acknowledged
// survives a crash of the process, and with Sync one of the machine.
package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Sizes of a partition's log that are kept by default.
const (
	DefaultMemoryBytes = 256 << 20
	DefaultFolderBytes = 4 << 30
)

// minSession is the shortest session a member of a group may have
// (group.min.session.timeout.ms).
const minSession = time.Second

// Config says what to start. The zero value is a broker in memory, on a free
// port, without topics.
type Config struct {
	// Dir is the folder of the log, created if it does not exist. One broker
	// at a time may use it. Empty: the log is in memory and ends with Close.
	Dir string
	// Topics are created with so many partitions if they do not exist. A topic
	// that the folder has with another number is an error.
	Topics map[string]int
	// Port to listen on at 127.0.0.1; 0 takes a free one.
	Port int
	// RetentionBytes is the size to which a partition's log is cut, oldest
	// records first (retention.bytes). 0 is DefaultMemoryBytes, or
	// DefaultFolderBytes with a folder; negative keeps everything.
	RetentionBytes int64
	// Sync makes every acknowledged batch survive a crash of the machine
	// (log.flush.interval.messages = 1), at the price of an fsync for each.
	Sync bool
	// AutoCreate lets clients create topics by asking for them
	// (auto.create.topics.enable), with one partition.
	AutoCreate bool
	// Users switches SASL on and lists who may connect. They are never stored.
	Users []User
	// TLS switches TLS on; it needs a certificate.
	TLS *tls.Config
	// OnError is called with problems that no caller is there to receive. It
	// must not block. Nil drops them.
	OnError func(error)
}

// User may connect by SASL.
type User struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Name      string
	Password  string
}

// Validate returns the first thing that is wrong with the configuration.
func (c Config) Validate() error {
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("embedded: port %d: use 1 to 65535, or 0 for a free one", c.Port)
	}
	for _, topic := range slices.Sorted(maps.Keys(c.Topics)) {
		if err := validTopic(topic, c.Topics[topic]); err != nil {
			return err
		}
	}
	for _, u := range c.Users {
		switch u.Mechanism {
		case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		default:
			return fmt.Errorf("embedded: user %q with mechanism %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", u.Name, u.Mechanism)
		}
		if u.Name == "" || u.Password == "" {
			return fmt.Errorf("embedded: user %q: name and password must not be empty", u.Name)
		}
	}
	if c.TLS != nil && len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil && c.TLS.GetConfigForClient == nil {
		return errors.New("embedded: TLS without a certificate: no client could connect")
	}
	return nil
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
	dir     string
	lock    *os.File // nil without a folder

	mu     sync.Mutex // guards the cluster's administration against Close
	closed bool
	stop   chan struct{}
	swept  chan struct{}
	log    *problems
}

// Start returns a broker that accepts connections.
func Start(c Config) (*Broker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b := &Broker{dir: c.Dir, stop: make(chan struct{}), swept: make(chan struct{}), log: &problems{hook: c.OnError}}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o750); err != nil {
			return nil, fmt.Errorf("embedded: folder of the log: %w", err)
		}
		var err error
		if b.lock, err = lock(filepath.Join(c.Dir, "lock")); err != nil {
			return nil, fmt.Errorf("embedded: folder %s is in use by another broker, or cannot be locked: %w", c.Dir, err)
		}
	}
	if err := b.start(c); err != nil {
		return nil, errors.Join(err, b.unlock())
	}
	if err := b.createTopics(c.Topics); err != nil {
		close(b.swept)
		return nil, errors.Join(err, b.Close())
	}
	go b.sweep()
	return b, nil
}

func (b *Broker) start(c Config) error {
	retention := c.RetentionBytes
	if retention == 0 {
		retention = DefaultMemoryBytes
		if c.Dir != "" {
			retention = DefaultFolderBytes
		}
	}
	retention = max(retention, -1)
	configs := map[string]string{"log.retention.bytes": strconv.FormatInt(retention, 10), "log.retention.ms": "-1",
		// The members of a group are few and near: none is worth waiting for.
		"group.initial.rebalance.delay.ms": "0"}
	if retention > 0 {
		// Space is freed by whole segments.
		configs["log.segment.bytes"] = strconv.FormatInt(min(max(retention/8, 64<<10), 64<<20), 10)
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(c.Port),
		kfake.ClusterID("phasor-embedded"),
		kfake.DefaultNumPartitions(1),
		kfake.BrokerConfigs(configs),
		kfake.GroupMinSessionTimeout(minSession),
		kfake.WithLogger(b.log),
		kfake.ListenFn(func(network, address string) (net.Listener, error) { return listen(network, address, c.TLS) }),
	}
	if c.AutoCreate {
		options = append(options, kfake.AllowAutoTopicCreation())
	}
	if c.Dir != "" {
		options = append(options, kfake.DataDir(c.Dir))
	}
	if c.Sync {
		options = append(options, kfake.SyncWrites())
	}
	if len(c.Users) > 0 {
		options = append(options, kfake.EnableSASL())
	}
	for _, u := range c.Users {
		options = append(options, kfake.Superuser(u.Mechanism, u.Name, u.Password))
	}
	// The configuration decides who may connect, not what an earlier run left.
	b.forgetUsers()
	cluster, err := kfake.NewCluster(options...)
	b.forgetUsers()
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("embedded: port %d is in use by another program: stop it, or choose another port or 0: %w", c.Port, err)
	}
	if err != nil {
		return fmt.Errorf("embedded: start: %w", err)
	}
	b.cluster, b.addrs = cluster, cluster.ListenAddrs()
	return nil
}

func (b *Broker) createTopics(topics map[string]int) error {
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		want := topics[topic]
		switch found := len(b.cluster.PartitionInfos(topic)); found {
		case want:
		case 0:
			if err := b.CreateTopic(topic, want); err != nil {
				return err
			}
		default:
			return fmt.Errorf("embedded: topic %q has %d partitions in folder %s, the configuration says %d: use %d, or another folder", topic, found, b.dir, want, found)
		}
	}
	return nil
}

// forgetUsers removes the file in which the broker keeps credentials.
func (b *Broker) forgetUsers() {
	if b.dir == "" {
		return
	}
	if err := os.Remove(filepath.Join(b.dir, "sasl.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		b.log.report(fmt.Errorf("embedded: credentials stay in the folder of the log: %w", err))
	}
}

// Addrs returns the addresses of the broker, host:port.
func (b *Broker) Addrs() []string { return slices.Clone(b.addrs) }

// Close stops the broker and, with a folder, completes its log. The error says
// what could not be written. Clients see their connections end. A second call
// does nothing.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	close(b.stop)
	<-b.swept
	b.log.collect()
	b.cluster.Close()
	err := b.log.collected()
	b.forgetUsers()
	if err != nil {
		err = fmt.Errorf("embedded: close: %w", err)
	}
	return errors.Join(err, b.unlock())
}

func (b *Broker) unlock() error {
	if b.lock == nil {
		return nil
	}
	return b.lock.Close()
}

// sweep applies the retention until the broker is closed. The broker itself
// does so for topics with a retention of their own only.
func (b *Broker) sweep() {
	defer close(b.swept)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.cluster.ApplyRetention()
		}
	}
}

func listen(network, address string, config *tls.Config) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	return guard{ln}, nil
}
