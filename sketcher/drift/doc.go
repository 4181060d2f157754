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
// chi-squared of a channel's four coordinates, in windows that hold 32 effective records. The thresholds are simulated: the whole
// procedure, with the reference estimated anew in each run, on panes that have the
// innovations' correlation. So the mean time between false alarms is the one that was
// asked for although records within a pane depend on each other, coordinates are
// correlated and the reference is short.
//
// Panes may hold different numbers of records. A coordinate's mean is estimated per
// record, so a rate that changes does not look like a level that changes; panes with
// fewer than [Options.MinRecords] records are skipped and counted. The scaling by
// sqrt(N) supposes that the dependence between records is short against a pane; where
// the reference's panes differ in size, what it does beyond that is fitted from them. A
// reference of equal panes cannot show it: panes of another size then raise alarms of cv
// and C on a stream whose records depend on each other, and ask for a new reference.
//
// The package keeps no clock, reads no files and draws random numbers from seeds only.
package drift
