package main

import (
	"context"
	"fmt"
	"time"

	"phasor/stream"
	"phasor/stream/kafka"
	"phasor/stream/replay"
)

type produceCmd struct {
	kafkaFlags
	Topic       string   `required:"" help:"Topic to write to."`
	Source      string   `default:"plant" help:"plant, host, csv:PATH, ndjson:PATH, parquet:PATH, avro:PATH, log:PATH (lines as they are), skab:DIR, stdin, stdin:csv or stdin:log."`
	Format      string   `enum:"json,csv,float32,float64" default:"json" help:"How records are encoded: json, csv, float32 or float64."`
	Rate        float64  `help:"Records a second; default: as fast as they come." placeholder:"N"`
	Count       int64    `help:"Stop after so many records." placeholder:"N"`
	For         Duration `help:"Stop after this time." placeholder:"60s"`
	Seed        uint64   `default:"1" help:"Seed of the plant."`
	Change      []string `help:"Times after the start at which the plant's regime changes." placeholder:"35s,…"`
	Keep        bool     `name:"keep-times" help:"Keep the records' own times instead of stamping them when they are produced."`
	TimeField   string   `name:"time.field" help:"Write the time into this field of json and csv records as well." placeholder:"NAME"`
	Partitions  int      `default:"1" help:"Partitions of the topic, if it has to be created."`
	Compression string   `enum:"none,gzip,snappy,lz4,zstd" default:"none" help:"none, gzip, snappy, lz4 or zstd."`
	JSON        bool     `name:"json" help:"Print the result as one JSON line."`
}

// Help is shown by --help.
func (produceCmd) Help() string {
	return `Examples:
  phasor produce --brokers localhost:9092 --topic press --source csv:records.csv
  phasor produce --brokers localhost:9092 --topic press --source parquet:archive.parquet
  phasor produce --brokers localhost:9092 --topic plant --source plant --rate 5000 --for 10m
  tail -f app.ndjson | phasor produce --brokers localhost:9092 --topic app --source stdin
  tail -F /var/log/auth.log | phasor produce --brokers localhost:9092 --topic auth --source stdin:log

Delivery is at least once: after a cut connection a batch may be in the log twice.`
}

// Run runs the command.
func (c *produceCmd) Run(e *env) error {
	if err := c.validate(); err != nil {
		return err
	}
	var cfg Config
	if err := c.apply(&cfg); err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 {
		return usagef("no brokers: name at least one with --kafka.brokers host:port")
	}
	cfg.Kafka.Hooks.Retry = func(id stream.PartitionID, err error, wait time.Duration) {
		e.log.Warn("writing will be tried again", "topic", id.Topic, "partition", id.Partition, "err", err, "wait", wait.Round(time.Millisecond))
	}
	client, err := kafka.New(cfg.Kafka)
	if err != nil {
		return usage(err)
	}
	defer client.Close()
	ctx := e.ctx
	if c.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.For.D())
		defer stop()
	}
	feed, err := c.feed(ctx, e)
	if err != nil {
		return err
	}
	defer replay.Close(feed)
	if _, err := client.CreateTopic(e.ctx, c.Topic, c.Partitions, 0, nil); err != nil {
		return err
	}
	p, err := newProducing(e.ctx, client, c.Topic, feed, c.Format, c.TimeField, c.Compression)
	if err != nil {
		return err
	}
	p.stamp, p.count = !c.Keep, c.Count
	began := time.Now()
	bad := rejects{e: e}
	b := newBar(e, "producing", -1)
	n, err := p.run(ctx, &bad, b)
	b.close()
	if err != nil {
		return err
	}
	took := time.Since(began)
	if c.JSON {
		return printJSON(e.stdout, map[string]any{"topic": c.Topic, "records": n, "rejected": bad.rows, "seconds": took.Seconds()})
	}
	fmt.Fprintf(e.stderr, "%d records to %s in %v, %d rejected\n", n, c.Topic, took.Round(time.Millisecond), bad.rows)
	return nil
}

func (c *produceCmd) validate() error {
	switch {
	case c.Rate < 0:
		return usagef("--rate is %v: give records a second, or leave it out", c.Rate)
	case len(c.Change) > 0 && c.Source != "plant":
		return usagef("--change is for --source plant: other sources change by themselves")
	case c.Count < 0:
		return usagef("--count is %d: it cannot be negative", c.Count)
	case c.Partitions < 1:
		return usagef("--partitions is %d: a topic needs at least 1", c.Partitions)
	}
	return nil
}

func (c *produceCmd) feed(ctx context.Context, e *env) (replay.Feed, error) {
	o := sourceOptions{seed: c.Seed, rate: c.Rate}
	for _, t := range c.Change {
		var d Duration
		if err := d.UnmarshalText([]byte(t)); err != nil {
			return nil, usage(err)
		}
		o.changes = append(o.changes, d.D())
	}
	feed, err := openSource(ctx, e, c.Source, o)
	if err != nil || c.Rate == 0 || c.Source == "host" {
		return feed, err
	}
	return replay.Pace(ctx, feed, c.Rate)
}
