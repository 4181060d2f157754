package deploy_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"

	"phasor/snapshot/bucket/mac"
	"phasor/stream/replay"
)

// composeFile is what the tests look at of a compose file.
type composeFile struct {
	Services map[string]composeService
}

type composeService struct {
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []struct{ Source, Target string }
	Build       *struct{ Context, Dockerfile string }
}

// ours returns the services that run this program.
func (f composeFile) ours() []string {
	var names []string
	for name, s := range f.Services {
		if s.Build != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// instructions returns the arguments of each instruction of the Dockerfile, and those of its last stage alone.
func instructions(t *testing.T) (all, last map[string][]string) {
	t.Helper()
	all = map[string][]string{}
	text := strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " ")
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name[0] == '#' {
			continue
		}
		if name == "FROM" {
			last = map[string][]string{}
		}
		all[name] = append(all[name], rest)
		if last != nil {
			last[name] = append(last[name], rest)
		}
	}
	return all, last
}

func TestImage(t *testing.T) {
	all, last := instructions(t)
	for _, arg := range all["ARG"] {
		if name, value, has := strings.Cut(arg, "="); has && regexp.MustCompile(`^(TARGET|BUILD)(OS|ARCH|PLATFORM|VARIANT)$`).MatchString(name) {
			t.Errorf("ARG %s has the default %q: it beats what the builder says, and every architecture is built as that one", name, value)
		}
	}
	if !slices.Contains(all["ARG"], "TARGETOS") || !slices.Contains(all["ARG"], "TARGETARCH") {
		t.Error("the program is not built for the architecture of the image")
	}
	if !slices.Equal(last["FROM"], []string{"scratch"}) {
		t.Errorf("the image is made from %q: there should be nothing in it but the program", last["FROM"])
	}
	if u := strings.Join(last["USER"], ","); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(u) {
		t.Errorf("USER is %q: Kubernetes knows only from a number that it is not root", u)
	}
	if !slices.ContainsFunc(all["RUN"], func(r string) bool { return strings.Contains(r, "CGO_ENABLED=0") }) {
		t.Error("the program is not linked statically, and scratch has no libraries")
	}
}

// TestChartShipsWhatIsTested holds that the chart's copies of rules and dashboards are the ones that are tested, and all of them.
func TestChartShipsWhatIsTested(t *testing.T) {
	want := map[string]string{}
	for _, pattern := range []string{"grafana/dashboards/*.json", "prometheus/alerts.yml", "prometheus/recording.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, p := range paths {
			want[filepath.Base(p)] = read(t, p)
		}
	}
	entries, err := os.ReadDir("helm/phasor/files")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, e := range entries {
		have[e.Name()] = read(t, "helm/phasor/files/"+e.Name())
	}
	if !maps.Equal(have, want) {
		t.Errorf("helm/phasor/files holds %q, and not what %q hold", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want)))
	}
}

// TestComposeIsSetForThePlant holds that the channels of the configuration are those that the plant writes, and that what
// Prometheus scrapes is what the services listen on.
func TestComposeIsSetForThePlant(t *testing.T) {
	plant, err := replay.NewPlant(replay.PlantConfig{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	config := decodeYAML[struct {
		Sketches []struct {
			Topics   []string
			Channels []struct{ Name string }
		}
	}](t, "compose/phasor.yaml")
	var channels []string
	for _, c := range config.Sketches[0].Channels {
		channels = append(channels, c.Name)
	}
	if !slices.Equal(channels, plant.Channels()) {
		t.Errorf("the configuration has the channels %q, the plant %q", channels, plant.Channels())
	}
	compose := decodeYAML[composeFile](t, "compose/compose.yaml")
	if ours := compose.ours(); !slices.Equal(ours, []string{"plant", "serve", "sketcher", "trainer"}) {
		t.Errorf("services of this program: %q", ours)
	}
	if command := strings.Join(compose.Services["plant"].Command, " "); !strings.Contains(command, "--topic "+config.Sketches[0].Topics[0]+" ") {
		t.Errorf("the plant does not write what is read: %s", command)
	}
	for _, target := range targets(t) {
		name, port, _ := strings.Cut(target, ":")
		if s := compose.Services[name]; !slices.Contains(s.Ports, "127.0.0.1:"+port+":"+port) || listens(t, s) != ":"+port {
			t.Errorf("Prometheus scrapes %s, and the service has the ports %q and listens on %q", target, s.Ports, listens(t, s))
		}
	}
}

// TestComposeCanBeSecured runs what draws the secrets, and holds that every role that listens asks for them and that
// Prometheus has them.
func TestComposeCanBeSecured(t *testing.T) {
	for _, tool := range []string{"bash", "openssl", "htpasswd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool, " is not installed: ", err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"compose/secure", "prometheus/prometheus.yml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(read(t, name)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secure := filepath.Join(dir, "compose", "secure")
	if out, err := exec.CommandContext(t.Context(), secure).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := exec.CommandContext(t.Context(), secure).Run(); err == nil {
		t.Error("the secrets that were there are drawn anew")
	}
	secrets := filepath.Join(dir, "compose", "secrets")
	if info, err := os.Stat(secrets); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := web.Validate(filepath.Join(secrets, "phasor", "web.yml")); err != nil {
		t.Error(err)
	}
	password, err := os.ReadFile(filepath.Join(secrets, "password"))
	if err != nil {
		t.Fatal(err)
	}
	var config web.Config
	b, err := os.ReadFile(filepath.Join(secrets, "phasor", "web.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &config); err != nil || bcrypt.CompareHashAndPassword([]byte(config.Users["operator"]), bytes.TrimSpace(password)) != nil {
		t.Errorf("the password is another one: %v", err)
	}
	if _, err := mac.ReadKeys(filepath.Join(secrets, "phasor", "keys")); err != nil {
		t.Error(err)
	}
	scraped, err := os.ReadFile(filepath.Join(secrets, "prometheus.yml"))
	if err != nil || strings.Count(string(scraped), "username: operator, password_file: /run/secrets/phasor/password") != len(targets(t)) {
		t.Errorf("%v\n%s", err, scraped)
	}
}

// TestSecureComposeLeavesNothingOpen holds that every service with a port of ours has the secrets, at the path that its
// environment names.
func TestSecureComposeLeavesNothingOpen(t *testing.T) {
	all, secured := decodeYAML[composeFile](t, "compose/compose.yaml"), decodeYAML[composeFile](t, "compose/secure.yaml")
	n := 0
	for _, name := range all.ours() {
		if len(all.Services[name].Ports) == 0 {
			continue
		}
		n++
		s := secured.Services[name]
		for variable, file := range map[string]string{"PHASOR_WEB_CONFIG": "web.yml", "PHASOR_INTEGRITY_KEY_FILE": "keys"} {
			if len(s.Volumes) != 1 || s.Environment[variable] != s.Volumes[0].Target+"/"+file || s.Volumes[0].Source != "./secrets/phasor" {
				t.Errorf("%s: %s is %q, and mounted is %v", name, variable, s.Environment[variable], s.Volumes)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d services with ports", n)
	}
}

// TestComposeShowsTheDashboards holds that Grafana finds the dashboards where they are mounted, and asks a service that is there.
func TestComposeShowsTheDashboards(t *testing.T) {
	compose := decodeYAML[composeFile](t, "compose/compose.yaml")
	mounted := map[string]string{}
	for _, v := range compose.Services["grafana"].Volumes {
		mounted[v.Target] = v.Source
	}
	if mounted["/etc/grafana/provisioning"] != "../grafana/provisioning" {
		t.Errorf("the provisioning is not mounted: %v", mounted)
	}
	providers := decodeYAML[struct {
		Providers []struct{ Options struct{ Path string } }
	}](t, "grafana/provisioning/dashboards/phasor.yml").Providers
	if len(providers) != 1 || mounted[providers[0].Options.Path] != "../grafana/dashboards" {
		t.Errorf("dashboards are looked for in %v, and mounted are %v", providers, mounted)
	}
	sources := decodeYAML[struct {
		Datasources []struct{ Type, URL string }
	}](t, "grafana/provisioning/datasources/prometheus.yml").Datasources
	for _, d := range sources {
		name, port, _ := strings.Cut(strings.TrimPrefix(d.URL, "http://"), ":")
		if s, ok := compose.Services[name]; !ok || !slices.Contains(s.Ports, "127.0.0.1:"+port+":"+port) {
			t.Errorf("the data source %s is no service of the compose file", d.URL)
		}
	}
	if len(sources) == 0 {
		t.Error("Grafana has no data source")
	}
}

// targets returns what the Prometheus of the compose file scrapes.
func targets(t *testing.T) []string {
	t.Helper()
	config := decodeYAML[struct {
		Scrape []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}](t, "prometheus/prometheus.yml")
	var all []string
	for _, s := range config.Scrape {
		for _, c := range s.Static {
			all = append(all, c.Targets...)
		}
	}
	if len(all) == 0 {
		t.Fatal("Prometheus scrapes nothing")
	}
	return all
}

// listens returns the address of a service: its flag, or else the image's environment.
func listens(t *testing.T, s composeService) string {
	t.Helper()
	if i := slices.Index(s.Command, "--listen"); i >= 0 {
		return s.Command[i+1]
	}
	_, last := instructions(t)
	for _, e := range last["ENV"] {
		if v, ok := strings.CutPrefix(e, "PHASOR_LISTEN="); ok {
			return v
		}
	}
	return ""
}
