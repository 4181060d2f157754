package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
)

// WebConfig says who may talk to the listener, and how.
type WebConfig struct {
	Config string `yaml:"config"` // A file as Prometheus exporters have it: TLS, client certificates, passwords.
	Probes string `yaml:"probes"` // open: /livez and /readyz answer everybody; closed: as everything else.
}

// Validate says which value makes no sense.
func (c WebConfig) Validate() error {
	if c.Probes != "" && c.Probes != "open" && c.Probes != "closed" {
		return usagef("web.probes is %q: it must be open or closed", c.Probes)
	}
	return nil
}

// webFlags are those of every command that listens.
type webFlags struct {
	WebConfig string `name:"web.config" help:"File with certificates and passwords of the listener, as Prometheus exporters have it." placeholder:"FILE"`
	Probes    string `name:"web.probes" help:"Whether /livez and /readyz answer without a password: open or closed." placeholder:"open"`
	Pprof     string `name:"pprof.listen" help:"Address of Go's profiles, on loopback only; default: none." placeholder:"127.0.0.1:6060"`
}

func (f *webFlags) apply(c *Config) error {
	over(&c.Web.Config, f.WebConfig)
	over(&c.Web.Probes, f.Probes)
	over(&c.Pprof.Listen, f.Pprof)
	return errors.Join(c.Web.Validate(), c.Pprof.Validate())
}

// access is what a web configuration asks of requests.
type access struct {
	file      string // Empty: nothing.
	encrypted bool
	passwords bool
	asks      bool // Nobody gets past it without a password or a certificate that was verified.
	probes    bool // Except to /livez and /readyz.
}

// access reads the file and everything that it names.
func (c WebConfig) access() (access, error) {
	a := access{file: c.Config, probes: c.Probes != "closed"}
	if a.file == "" {
		return a, nil
	}
	f, err := readWeb(a.file)
	if err == nil {
		err = checkWeb(a.file, f)
	}
	if err != nil {
		return a, usagef("web.config: %s: %w", a.file, err)
	}
	a.encrypted, a.passwords = f.TLSConfig.IsEnabled(), len(f.Users) > 0
	a.asks = a.passwords || f.TLSConfig.ClientAuth == "RequireAndVerifyClientCert" || f.TLSConfig.ClientAuth == "VerifyClientCertIfGiven"
	return a, nil
}

// readWeb reads a file as the server does, by the same decoder.
func readWeb(path string) (web.Config, error) {
	var c web.Config
	b, err := os.ReadFile(path)
	if err != nil {
		return c, reason(err)
	}
	err = yaml.Unmarshal(b, &c)
	return c, err
}

// checkWeb says what is wrong with a file, more plainly than the server does, and what the server would let pass.
func checkWeb(path string, c web.Config) error {
	for user, hash := range c.Users {
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return fmt.Errorf("basic_auth_users: the password of %q is no bcrypt hash: make one with \"htpasswd -nBC 10 %s\"", user, user)
		}
	}
	if err := web.Validate(path); err != nil {
		return err
	}
	pem := []byte(c.TLSConfig.ClientCAsText)
	if name := c.TLSConfig.ClientCAs; name != "" {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		var err error
		if pem, err = os.ReadFile(name); err != nil {
			return fmt.Errorf("client_ca_file: %w", err)
		}
	}
	verifies := c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert" || c.TLSConfig.ClientAuth == "VerifyClientCertIfGiven"
	switch ok := x509.NewCertPool().AppendCertsFromPEM(pem); {
	case len(bytes.TrimSpace(pem)) > 0 && !ok:
		return errors.New("client_ca: there is no certificate in it: clients could not be verified")
	case verifies && !ok:
		return fmt.Errorf("client_auth_type is %s and no client_ca_file is given: every authority that this system trusts could vouch for a client", c.TLSConfig.ClientAuth)
	}
	return nil
}

// known says whether a request that the server let pass has shown who sent it. The file may have changed since the start.
func (a access) known(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	user, _, ok := r.BasicAuth()
	if !ok {
		return false
	}
	c, err := readWeb(a.file)
	_, ok = c.Users[user]
	return err == nil && ok
}

// require refuses requests that have not shown who sent them, if the configuration asked for it when the process started.
func (a access) require(h http.Handler) http.Handler {
	if !a.asks {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.known(r) {
			http.Error(w, "show a client certificate that the web configuration's client_ca_file has signed", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// warning is what an operator must know of a listener that other hosts reach; empty if nothing.
func (a access) warning() string {
	switch {
	case !a.asks && !a.encrypted:
		return "page, metrics, configuration and API are open to every host that reaches this address: listen on loopback, or give --web.config with certificates and passwords"
	case !a.asks:
		return "page, metrics, configuration and API are encrypted and open to everybody: add basic_auth_users or client certificates to the web configuration"
	case !a.encrypted:
		return "passwords cross the network as they are: add tls_server_config to the web configuration"
	}
	return ""
}
