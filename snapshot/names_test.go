package snapshot_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"phasor/snapshot"
	"phasor/snapshot/bucket"
	"phasor/snapshot/bucket/mem"
)

// TestNamesAreReadBack saves under names of any bytes and lists them again.
func TestNamesAreReadBack(t *testing.T) {
	m := sharedMap(t)
	rapid.Check(t, func(rt *rapid.T) {
		any := rapid.OneOf(rapid.StringN(0, 30, 60), rapid.SampledFrom([]string{".", "..", "../..", "/", "a/../b", "%2E", "-", "~x", "a.b", "\x00"}))
		sketch := any.Draw(rt, "sketch")
		b := mem.New()
		e, err := snapshot.Open(b, sketch).CreateSpec(context.Background(), sharedSpec(t))
		if err != nil {
			rt.Fatal(err)
		}
		p := snapshot.PartitionID{Topic: any.Draw(rt, "topic"), TopicID: any.Draw(rt, "id"), Partition: rapid.IntRange(0, 1<<31).Draw(rt, "partition")}
		s := stateAt(m, p, rapid.Int64Range(0, 1<<62).Draw(rt, "next"))
		pane := paneAt(m, p, rapid.Int64Range(-1<<60, 1<<60).Draw(rt, "start"), rapid.Int64Range(1, 1<<60).Draw(rt, "length"))
		err = e.SaveState(context.Background(), s)
		if p.Topic == "" || p.TopicID == "" {
			if err == nil {
				rt.Fatal("a partition without a topic was saved")
			}
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "too long") {
				return
			}
			rt.Fatal(err)
		}
		if err := e.SavePane(context.Background(), pane); err != nil {
			rt.Fatal(err)
		}
		states, err := e.ListStates(context.Background())
		if err != nil || len(states) != 1 || states[0].PartitionID != p || states[0].Next != s.Next {
			rt.Fatalf("states %+v, %v", states, err)
		}
		panes, err := e.ListPanes(context.Background(), -all, all)
		if err != nil || len(panes) != 1 || panes[0] != pane.PaneRef {
			rt.Fatalf("panes %+v, %v", panes, err)
		}
		objects, err := b.List(context.Background(), "")
		if err != nil {
			rt.Fatal(err)
		}
		for _, o := range objects {
			part := strings.Split(o.Name, "/")
			if len(part) < 3 || part[0] == ".." || part[0][0] == '.' || part[0][0] == '~' || part[1] != "0001" {
				rt.Fatalf("name %q", o.Name)
			}
		}
		// Another sketch sees nothing of it.
		if _, err := snapshot.Open(b, sketch+"x").LatestSpec(context.Background()); !errors.Is(err, bucket.ErrNotExist) {
			rt.Fatalf("another sketch: %v", err)
		}
	})
}

func TestLayout(t *testing.T) {
	e, b, _ := newEpoch(t)
	m := e.Map()
	p := snapshot.PartitionID{Topic: "press.sensors", TopicID: "-", Partition: 12}
	must(t, e.SaveState(t.Context(), stateAt(m, p, 1234)))
	must(t, e.SavePane(t.Context(), paneAt(m, p, 1700000040000, 60000)))
	must(t, e.SaveLive(t.Context(), p, snapshot.Live{}))
	_, err := e.CreateStart(t.Context(), p, 3)
	must(t, err)
	_, err = e.SaveModel(t.Context(), model(t, e, 1), []byte(`{}`), []byte("onnx"))
	must(t, err)
	_, err = e.Publish(t.Context(), 1, "test")
	must(t, err)
	want := `line/0001/current/0000000001
line/0001/live/press.sensors.-/12
line/0001/models/0000000001
line/0001/models/0000000001.json
line/0001/models/0000000001.onnx
line/0001/panes/press.sensors.-/12/60000/00000001700000040000
line/0001/spec
line/0001/start/press.sensors.-/12
line/0001/state/press.sensors.-/12/00000000000000001234`
	if found := strings.Join(names(t, b, ""), "\n"); found != want {
		t.Errorf("found\n%s\nwanted\n%s", found, want)
	}
	// What others put beside is not taken for ours.
	for _, stray := range []string{"state/press.sensors.-/12/1234", "state/press.sensors.-/012/00000000000000001234", "state/x/0/00000000000000000001",
		"state/a%2.-/0/00000000000000000001", "panes/press.sensors.-/12/0/00000000000000000000", "panes/press.sensors.-/12/+5/00000000000000000000",
		"models/1", "models/0000000002.txt", "models/0000000000", "current/0000000009.bak", "state/press.sensors.-/12/tmp/x"} {
		must(t, b.Put(t.Context(), "line/0001/"+stray, []byte("stray")))
	}
	states, err := e.ListStates(t.Context())
	must(t, err)
	panes, err := e.ListPanes(t.Context(), -all, all)
	must(t, err)
	models, err := e.ListModels(t.Context())
	must(t, err)
	g, err := e.Current(t.Context())
	must(t, err)
	if len(states) != 1 || len(panes) != 1 || len(models) != 1 || !models[0].Card || !models[0].ONNX || g.Generation != 1 {
		t.Errorf("found %v, %v, %+v, %+v", states, panes, models, g)
	}
}
