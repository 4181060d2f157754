package generator

import "sync"

// each calls f(0) .. f(n-1) on at most threads goroutines, in no order, and
// waits for all of them. The calls must touch disjoint state; whatever they
// produce is combined by index afterwards, so that the number of goroutines
// never shows in a result.
func each(threads, n int, f func(i int)) {
	if threads <= 1 || n <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	team := min(threads, n)
	var wg sync.WaitGroup
	for w := range team {
		wg.Go(func() {
			for i := w; i < n; i += team {
				f(i)
			}
		})
	}
	wg.Wait()
}
