package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdAsks is "asks METHOD PORT PATH [BODY]": waits until the request is answered with success, or with an error if the
// method begins with !, and leaves the body in answer.txt.
func cmdAsks(ts *testscript.TestScript, _ bool, args []string) {
	method, fails := strings.CutPrefix(args[0], "!")
	body := strings.Join(args[3:], " ")
	url := "http://127.0.0.1:" + args[1] + args[2]
	var answer []byte
	await(ts, method+" "+url, func(ctx context.Context) bool {
		r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		ts.Check(err)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		answer, err = io.ReadAll(resp.Body)
		return err == nil && (resp.StatusCode >= 400 && resp.StatusCode < 500) == fails && resp.StatusCode < 500
	})
	ts.Check(os.WriteFile(ts.MkAbs("answer.txt"), answer, 0o644))
}
