package drift

// ownUnits measures the dependence between records, where the segments' laws differ,
// against the spread that records have under these laws and not under the pilot's. Of
// levels the panes show it: tau is their long-run variance over the mean variance within a
// pane. How records spread in S under another law they do not show; its dependence is
// taken as that of the levels where that is less, which no function of a Gaussian process
// exceeds (Kolmogorov and Rozanov 1960).
func (m *model) ownUnits() {
	var most float64
	for _, b := range m.blocks {
		for _, of := range m.blocks {
			if of.group != b.group.scales() {
				continue
			}
			for k, at := b.lo, of.lo; k < b.hi && at < of.hi && m.spread[at]; k, at = k+1, at+1 {
				if v := m.mean[at]; v > dead && m.alive[k] {
					most = max(most, m.longRun(k)/(v*v*v))
				}
			}
		}
	}
	if most == 0 {
		return
	}
	for i, b := range m.blocks {
		if b.group == GroupS || b.group == GroupM || b.group == GroupCM {
			m.setMemory(i, max(1, min(m.tau[i], most)))
		}
	}
}
