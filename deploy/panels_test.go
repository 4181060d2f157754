package deploy_test

// panel is what a dashboard shows in one place.
type panel struct {
	title, help   string
	kind, unit    string // Kind: stat, timeseries, heatmap, or row.
	width, height int
	queries       []query
	warn          float64 // From here on a stat is orange; 0: never.
}

type query struct{ expr, legend string }

func row(title string) panel { return panel{title: title, kind: "row", width: 24, height: 1} }

func stat(title, unit string, warn float64, expr, help string) panel {
	return panel{title, help, "stat", unit, 4, 4, []query{{expr, ""}}, warn}
}

func series(title, unit, help string, queries ...query) panel {
	return panel{title, help, "timeseries", unit, 12, 8, queries, 0}
}

func heat(title, unit, help, expr string) panel {
	return panel{title, help, "heatmap", unit, 12, 8, []query{{expr, "{{le}}"}}, 0}
}

// quantiles asks a histogram for its median and its 99th percentile.
func quantiles(histogram, selector, by string) []query {
	of := func(q, name string) query {
		return query{"histogram_quantile(" + q + ", sum by (" + by + ", le) (rate(" + histogram + "_bucket{" + selector + "}[$__rate_interval])))", "{{" + by + "}} " + name}
	}
	return []query{of("0.5", "median"), of("0.99", "99 %")}
}

const (
	ofTopic = `job=~"$job",topic=~"$topic"`
	ofModel = `sketch=~"$sketch"`
)

// operations is the dashboard of those who keep the stream flowing.
var operations = []panel{
	row("Overview"),
	stat("Records folded", "cps", 0, `sum(rate(phasor_sketcher_records_folded_total{`+ofTopic+`}[$__rate_interval]))`, "Records folded into sketches, a second."),
	stat("Lag", "short", 100000, `sum(phasor_sketcher_partition_lag_records{`+ofTopic+`})`, "Records that wait in the topics."),
	stat("Rejected", "percentunit", 0.01, `sum(rate(phasor_sketcher_records_rejected_total{`+ofTopic+`,reason!~"filtered|tombstone"}[$__rate_interval])) / sum(rate(phasor_sketcher_records_consumed_total{`+ofTopic+`}[$__rate_interval]))`, "Share of the records that cannot be folded; filtered ones and tombstones aside."),
	stat("Oldest save", "s", 300, `time() - min(phasor_sketcher_snapshot_last_success_timestamp_seconds{job=~"$job"})`, "Since the sketch that was saved longest ago. A stream without records is not saved."),
	stat("Targets down", "short", 1, `count(up{job=~"$job"} == 0) or sum(up{job=~"$job"} * 0)`, "Targets that do not answer."),
	stat("Partitions", "short", 0, `sum(phasor_sketcher_assigned_partitions{`+ofTopic+`})`, "Partitions that are owned by a sketcher."),

	row("Throughput"),
	series("Records folded by topic", "cps", "Records folded into a sketch, a second.",
		query{`sum by (topic, sketch) (rate(phasor_sketcher_records_folded_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} → {{sketch}}"}),
	series("Bytes consumed by topic", "Bps", "Keys and values, as they come from the brokers after decompression.",
		query{`sum by (topic) (rate(phasor_sketcher_bytes_consumed_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}}"}),
	series("Records by instance", "cps", "Who does the work.",
		query{`sum by (instance) (rate(phasor_sketcher_records_consumed_total{` + ofTopic + `}[$__rate_interval]))`, "{{instance}}"}),
	series("Group events", "short", "Partitions assigned, revoked and lost. Many of them in quiet times are a group that does not settle.",
		query{`sum by (event) (increase(phasor_sketcher_rebalances_total{job=~"$job"}[$__rate_interval]))`, "{{event}}"}),

	row("Lag and lateness"),
	series("Lag of the ten furthest partitions", "short", "Records between the position and the end of the log.",
		query{`topk(10, phasor_sketcher_partition_lag_records{` + ofTopic + `})`, "{{topic}} {{partition}}"}),
	series("Lateness when folded", "s", "Wall clock at the fold less the record's own time: what the producers, the brokers and the lag add up to.",
		quantiles("phasor_sketcher_fold_lateness_seconds", ofTopic, "topic")...),
	series("Late and early records", "cps", "Records whose pane was sealed or dissolved: they are in the totals and not in the history.",
		query{`sum by (topic) (rate(phasor_sketcher_records_late_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} late"},
		query{`sum by (topic) (rate(phasor_sketcher_records_early_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} early"}),
	series("Duplicates", "cps", "Records that were read again and dropped: usual for a moment after a restart or a rebalance.",
		query{`sum by (topic) (rate(phasor_sketcher_records_duplicate_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}}"}),

	row("Fold"),
	heat("Time to fold a batch", "s", "One fetched batch into its sketches.",
		`sum by (le) (increase(phasor_sketcher_fold_duration_seconds_bucket{`+ofTopic+`}[$__rate_interval]))`),
	series("Fold time", "s", "Median and 99th percentile of a batch.", quantiles("phasor_sketcher_fold_duration_seconds", ofTopic, "topic")...),

	row("Rejects and gaps"),
	series("Rejected by reason", "cps", "decode: not the format. schema, dimension: other fields or columns. nonfinite: NaN or infinity. oversize: longer than max_bytes.",
		query{`sum by (reason) (rate(phasor_sketcher_records_rejected_total{` + ofTopic + `}[$__rate_interval]))`, "{{reason}}"}),
	series("Offset gaps", "short", "The log was not the one that was read before. The records between are not in the sketch.",
		query{`sum by (topic, reason) (increase(phasor_sketcher_offset_gaps_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} {{reason}}"}),
	series("Values clamped and at the edge", "cps", "Outside the calibrated range, and in the first or last bin. More than one clamped value in 100 records: begin a new epoch.",
		query{`sum by (topic) (rate(phasor_sketcher_values_clamped_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} clamped"},
		query{`sum by (topic) (rate(phasor_sketcher_values_outer_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}} at the edge"}),
	series("Missing values repeated", "cps", "Channels that were absent and took their last value.",
		query{`sum by (topic) (rate(phasor_sketcher_values_missing_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}}"}),

	row("Snapshots and store"),
	series("Saves by result", "cps", "Attempts to save a partition.",
		query{`sum by (sketch, result) (rate(phasor_sketcher_snapshots_total{job=~"$job"}[$__rate_interval]))`, "{{sketch}} {{result}}"}),
	series("Time of a save", "s", "Encode, write, sync and publish.", quantiles("phasor_sketcher_snapshot_duration_seconds", `job=~"$job"`, "sketch")...),
	series("Store operations that failed", "cps", "Neither done nor refused for a good reason.",
		query{`sum by (operation) (rate(phasor_snapshot_bucket_operations_total{job=~"$job",result="error"}[$__rate_interval]))`, "{{operation}}"}),
	series("Time of a store operation", "s", "Against snapshot.timeout.", quantiles("phasor_snapshot_bucket_operation_duration_seconds", `job=~"$job"`, "operation")...),
	series("Panes sealed", "cps", "Pieces of the history that were written.",
		query{`sum by (topic) (rate(phasor_sketcher_panes_sealed_total{` + ofTopic + `}[$__rate_interval]))`, "{{topic}}"}),
	series("Size of a save, and of a sketch in memory", "bytes", "Both are constant by design, whatever the number of records.",
		query{`max by (sketch) (phasor_sketcher_snapshot_size_bytes{job=~"$job"})`, "{{sketch}} saved"},
		query{`max by (sketch) (phasor_sketcher_sketch_bytes{job=~"$job"})`, "{{sketch}} in memory"}),

	row("Serve"),
	series("Requests by code", "reqps", "Answers of the API.",
		query{`sum by (endpoint, code) (rate(phasor_serve_requests_total{job=~"$job"}[$__rate_interval]))`, "{{endpoint}} {{code}}"}),
	series("Time of a request", "s", "Median and 99th percentile.", quantiles("phasor_serve_request_duration_seconds", `job=~"$job"`, "endpoint")...),

	row("Process"),
	series("CPU", "short", "Cores in use. A sketcher uses one for about a million records of 10 channels a second.",
		query{`rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval])`, "{{job}} {{instance}}"}),
	series("Resident memory", "bytes", "Bounded: it does not grow with the stream.",
		query{`process_resident_memory_bytes{job=~"$job"}`, "{{job}} {{instance}}"}),
	series("Goroutines", "short", "A number that grows for hours is a defect.", query{`go_goroutines{job=~"$job"}`, "{{job}} {{instance}}"}),
	series("Open files", "short", "Connections and objects.", query{`process_open_fds{job=~"$job"}`, "{{job}} {{instance}}"}),
}
