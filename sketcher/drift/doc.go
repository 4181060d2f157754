// Package drift tells whether a stream has changed, from its pane sketches alone.
//
// A pane is the sketch of one interval of the stream. Each pane gives a vector of
// coordinates in groups, scaled so that N independent records give variance 1:
//
//	S    sqrt(N) B'(cos z, sin z)              the phasors on the kernel principal components of the pilot
//	cm   sqrt(N) mean_k                        each channel's mean
//	cv   3 sqrt((N-1)/2) cbrt(var_k)           each channel's scale (Wilson and Hilferty 1931)
//	M    sqrt(N) V'mean                        the mean on the whitened principal components
//	C    V'cov V as scales and correlations    the covariance on at most 12 of them
//	H    sqrt(2N) mean cos(pi j u), j = 1..4   each channel's histogram (Neyman 1937), u the rank in the reference
//
// A reference of R panes gives each coordinate's mean, an autoregression of order 1
// (2 or 3 where the Bayesian information criterion asks) with Kendall's correction of
// its bias, and the spread of the innovations e. The scan looks at windows of the last
// w = 1, 2, 4 .. 64 panes,
//
//	s = sum of the last w e / sqrt(w (1 + w/R)),
//
// tests mean(s^2) of S, M and C against chi-squared with nu = p^2/tr(C^2) degrees of
// freedom, and max|s| of cm and cv against the normal law, and compares -log10 of the
// p-values with one threshold a group. H, whitened by channel, is tested by the largest
// chi-squared of a channel's four coordinates, in windows that hold 64 effective records.
// The thresholds are simulated: the whole procedure, with the reference estimated anew in
// each run, on panes that have the innovations' correlation. So the mean time between
// false alarms is the one that was asked for although records within a pane depend on
// each other, coordinates are correlated and the reference is short.
//
// Panes may hold different numbers of records. A coordinate's mean is estimated per
// record, so a rate that changes does not look like a level that changes; panes with
// fewer than [Options.MinRecords] records are skipped and counted. Dependence between
// records makes the variance within a small pane too small; by how much follows from how
// much the panes' means vary. Where the reference's panes differ in size, what size does
// beyond that is fitted from them.
//
// A pane of a size that the reference has not seen may hold the same stretch of a process
// that is sampled at another rate, or another stretch of it. Where the reference's records
// depend on each other, a [Scan] and [TwoRanges] take such a pane over a spread that covers
// both, and leave it out of cv and C, of which the expectation differs between the two. So
// a change of the rate alone raises about as many alarms as were asked for, and a change
// that comes with it is found later than at the old rate. Independent records tell as much
// at any rate. A [Rolling] has no such bound: a change of rate may begin segments until
// its noise has been estimated at the new one.
//
// A gap, which is [Scan.Gap] or a pane that is skipped, ends what is known of the panes
// before: the next one is judged by its own spread in place of its innovation's. Windows
// reach over gaps, for they count panes and not time.
//
// A [Rolling] has no reference: it compares the newest panes with the segment before them,
// under thresholds for the laws that the segments so far had. [Options.Method]
// ShiryaevRoberts weighs all panes at which a change may have begun. What panes cannot show
// is a [HistoryError] and no number.
//
// The package keeps no clock, reads no files and draws random numbers from seeds only.
package drift
