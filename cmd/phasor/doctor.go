package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/stream/kafka"
)

type doctorCmd struct {
	Role         string   `help:"Role that is to run here: run, sketcher, trainer or serve." default:"run" enum:"run,sketcher,trainer,serve" placeholder:"run"`
	Records      int      `help:"Newest records of each partition that are tried." default:"200" placeholder:"200"`
	Wait         Duration `help:"How long brokers may take, and how long a new record is waited for to compare clocks." default:"5s" placeholder:"5s"`
	JSON         bool     `name:"json" help:"Print the checks as one JSON line."`
	serviceFlags `group:"Service"`
	kafkaFlags   `group:"Kafka"`
	streamFlags  `group:"Stream"`
}

// Help is shown by --help.
func (doctorCmd) Help() string {
	return `Examples:
  phasor doctor --config phasor.yaml
  phasor doctor --config phasor.yaml --role sketcher --json
  phasor doctor --brokers kafka:9092 --topic press.sensors --channels temperature,pressure

It tries what the role will need, on the host where it will run: brokers, topics, group, records, store, epochs, clocks,
address and memory. One line a check: ok, warn or FAIL with what to do. Topics and groups are never changed; in the store
an object is written and removed. The exit code is 1 if a check failed.`
}

// checkup is the result of one check.
type checkup struct {
	Check   string         `json:"check"`
	Subject string         `json:"subject"` // The broker, topic, sketch, … that was looked at.
	Status  string         `json:"status"`  // ok, warn or FAIL.
	Detail  string         `json:"detail"`
	Do      string         `json:"do,omitempty"`
	Data    map[string]any `json:"data,omitempty"`
}

// doctor runs the checks of one configuration.
type doctor struct {
	e    *env
	c    *doctorCmd
	cfg  Config
	out  io.Writer // Lines for people; nil with --json.
	all  []checkup
	reg  *kafka.Client
	buck bucket.Bucket

	partitions map[string]int             // Of each topic that was found.
	epochs     map[string]*snapshot.Epoch // Newest of each sketch that has one.
	states     map[string][]*snapshot.State
}

// Run runs the command.
func (c *doctorCmd) Run(e *env) error {
	if c.Records < 1 || c.Wait <= 0 {
		return usagef("--records is %d and --wait %v: give at least 1 and some time", c.Records, c.Wait)
	}
	p := configPrintCmd{Role: c.Role, serviceFlags: c.serviceFlags, kafkaFlags: c.kafkaFlags, streamFlags: c.streamFlags}
	cfg, err := p.merged(e)
	if err != nil {
		return err
	}
	d := &doctor{e: e, c: c, cfg: *cfg.effective(), out: e.stdout, partitions: map[string]int{}, epochs: map[string]*snapshot.Epoch{}, states: map[string][]*snapshot.State{}}
	if c.JSON {
		d.out = nil
	}
	d.run(e.ctx)
	counts := map[string]int{"ok": 0, "warn": 0, "FAIL": 0}
	for _, k := range d.all {
		counts[k.Status]++
	}
	if c.JSON {
		err = printJSON(e.stdout, map[string]any{"checks": d.all, "ok": counts["ok"], "warn": counts["warn"], "failed": counts["FAIL"]})
	}
	switch {
	case err != nil:
		return err
	case e.ctx.Err() != nil:
		return e.ctx.Err()
	case counts["FAIL"] > 0:
		return fmt.Errorf("%d of %d checks failed", counts["FAIL"], len(d.all))
	}
	return nil
}

func (d *doctor) run(ctx context.Context) {
	d.checkFile()
	reads := d.c.Role == "run" || d.c.Role == "sketcher"
	alive := false
	if reads {
		alive = d.checkKafka(ctx)
		defer func() {
			if d.reg != nil {
				d.reg.Close()
			}
		}()
	}
	if d.checkStore(ctx) {
		defer d.buck.Close() // Each write was checked.
		for i := range d.cfg.Sketches {
			d.checkEpochs(ctx, &d.cfg.Sketches[i])
		}
	}
	if alive {
		for i := range d.cfg.Sketches {
			d.checkRecords(ctx, &d.cfg.Sketches[i])
		}
	}
	d.checkListen(ctx)
	if reads {
		d.checkMemory()
	}
	d.checkRuntime()
}

// checkFile repeats the warnings of config check.
func (d *doctor) checkFile() {
	if d.c.Config == "" {
		return
	}
	var warnings []string
	for _, f := range checkConfigFile(d.c.Config, d.c.Role) {
		if f.Level == "warning" && !strings.Contains(f.Message, "cannot be read here") { // Which others say, where it matters.
			warnings = append(warnings, fmt.Sprintf("line %d: %s", f.Line, f.Message))
		}
	}
	if len(warnings) > 0 {
		d.warn("config", d.c.Config, "see \"phasor config check\"", "%s", strings.Join(warnings, "; "))
		return
	}
	d.ok("config", d.c.Config, "valid for %s", d.c.Role)
}

func (d *doctor) add(k checkup) {
	d.all = append(d.all, k)
	if d.out == nil {
		return
	}
	line := fmt.Sprintf("%-4s  %-9s %s: %s", k.Status, k.Check, k.Subject, k.Detail)
	if k.Do != "" {
		line += ": " + k.Do
	}
	fmt.Fprintln(d.out, strings.ReplaceAll(line, "\n", "; "))
}

func (d *doctor) ok(check, subject, format string, a ...any) {
	d.add(checkup{Check: check, Subject: subject, Status: "ok", Detail: fmt.Sprintf(format, a...)})
}

func (d *doctor) warn(check, subject, do, format string, a ...any) {
	d.add(checkup{Check: check, Subject: subject, Status: "warn", Detail: fmt.Sprintf(format, a...), Do: do})
}

func (d *doctor) fail(check, subject, do, format string, a ...any) {
	d.add(checkup{Check: check, Subject: subject, Status: "FAIL", Detail: fmt.Sprintf(format, a...), Do: do})
}

// topics are those of all sketches.
func (d *doctor) topics() []string {
	var all []string
	for _, s := range d.cfg.Sketches {
		all = append(all, s.Topics...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkKafka reports whether brokers answer, so that records can be asked for.
func (d *doctor) checkKafka(ctx context.Context) bool {
	if len(d.cfg.Kafka.Brokers) == 0 {
		d.ok("broker", "embedded", "no brokers are configured: phasor run starts its own")
		return false
	}
	k := d.cfg.Kafka
	k.RequestTimeout, k.DialTimeout = min(k.RequestTimeout, d.c.Wait.D()), min(k.DialTimeout, d.c.Wait.D())
	client, err := kafka.New(k)
	if err != nil {
		d.fail("broker", strings.Join(k.Brokers, ","), "", "%v", err)
		return false
	}
	d.reg = client
	if !d.checkBrokers(ctx, k.Brokers) {
		return false
	}
	found := true
	for _, topic := range d.topics() {
		found = d.checkTopic(ctx, topic) && found
	}
	for _, s := range d.cfg.Sketches {
		d.checkGroup(ctx, &s)
	}
	return found
}

// checkBrokers tries the configured brokers, and those that they name to clients.
func (d *doctor) checkBrokers(ctx context.Context, configured []string) bool {
	answers := 0
	addresses := slices.Clone(configured)
	for i := 0; i < len(addresses); i++ {
		p, err := d.reg.Probe(ctx, addresses[i])
		if err != nil {
			do := ""
			if i >= len(configured) {
				do = "the cluster names this address to its clients (advertised.listeners), so it must be reachable from here"
			}
			if i < len(configured) && answers > 0 {
				d.warn("broker", addresses[i], "another one answers", "%v", err)
				continue
			}
			d.fail("broker", addresses[i], do, "%v", err)
			continue
		}
		answers++
		for _, b := range p.Brokers {
			if !slices.Contains(addresses, b) {
				addresses = append(addresses, b)
			}
		}
		d.brokerAnswered(&p)
	}
	return answers > 0
}

func (d *doctor) brokerAnswered(p *kafka.Probe) {
	how := "without TLS"
	if p.TLS != "" {
		how = fmt.Sprintf("%s, certificate until %s", p.TLS, p.Expires.Format(time.DateOnly))
	}
	if s := d.cfg.Kafka.SASL; s != nil {
		how += ", " + strings.ToLower(s.Mechanism) + " as " + s.User
	}
	how += fmt.Sprintf(", %d APIs, %v", p.APIs, p.Took.Round(time.Millisecond))
	switch {
	case len(p.Lacks) > 0:
		d.fail("broker", p.Address, "use Kafka 0.11 or later, or a server that speaks its protocol", "%s: it lacks %s", how, strings.Join(p.Lacks, ", "))
	case !p.Expires.IsZero() && time.Until(p.Expires) < 14*24*time.Hour:
		d.warn("broker", p.Address, "renew its certificate", "%s", how)
	default:
		d.ok("broker", p.Address, "%s", how)
	}
}

// checkTopic reports whether a topic can be read.
func (d *doctor) checkTopic(ctx context.Context, topic string) bool {
	if err := d.reg.Check(ctx, topic); err != nil {
		d.fail("topic", topic, "", "%v", err)
		return false
	}
	leaders, err := d.reg.Leaders(ctx, topic)
	if err != nil {
		d.fail("topic", topic, "", "%v", err)
		return false
	}
	d.partitions[topic] = len(leaders)
	if lost := leaderless(leaders); len(lost) > 0 {
		d.fail("topic", topic, "start the brokers that held them, or elect new leaders", "partitions %v of %d have no leader", lost, len(leaders))
		return false
	}
	for _, s := range d.cfg.Sketches {
		for _, p := range s.Partitions[topic] {
			if p >= len(leaders) {
				d.fail("topic", topic, "correct partitions of sketch "+s.Name, "partition %d is configured and there are %d", p, len(leaders))
				return false
			}
		}
	}
	d.ok("topic", topic, "%d partitions, all with a leader, readable", len(leaders))
	return true
}

// leaderless lists the partitions without a leader.
func leaderless(leaders []int32) []int {
	var lost []int
	for p, l := range leaders {
		if l < 0 {
			lost = append(lost, p)
		}
	}
	return lost
}

func (d *doctor) checkGroup(ctx context.Context, s *SketchConfig) {
	if len(s.Partitions) > 0 {
		d.ok("group", s.Name, "not needed: its partitions are fixed")
		return
	}
	name := groupName(d.cfg.Kafka.Group, s.Name)
	m, err := d.reg.DescribeGroup(ctx, name)
	switch {
	case errors.Is(err, kafka.ErrAuthorization):
		d.fail("group", name, "", "%v", err)
	case err != nil:
		d.warn("group", name, "look at the brokers' log", "%v", err)
	case m.Members > 0:
		d.ok("group", name, "%s, %d members: sketchers are at work", strings.ToLower(m.State), m.Members)
	default:
		d.ok("group", name, "may be described, no members")
	}
}
