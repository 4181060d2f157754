package serve

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// Server answers requests with the model that is served.
type Server struct {
	cfg    Config
	engine atomic.Pointer[engine]
	turns  chan struct{} // Holds a token for each request that computes.
	failed atomic.Pointer[error]
	mux    *http.ServeMux
	routes []route
}

// route is one operation of the API.
type route struct {
	method, path string
	answer       func(w http.ResponseWriter, r *http.Request) error
}

// endpoint is the name of the route, as the hooks have it.
func (r route) endpoint() string {
	return strings.TrimSuffix(strings.TrimPrefix(r.path, "/v1/"), ".json")
}

// Endpoints are the names that the hooks may hear.
func Endpoints() []string {
	names := []string{"other"}
	for _, r := range (&Server{}).table() {
		names = append(names, r.endpoint())
	}
	return names
}

// New makes a server without a model: [Server.Watch] gets it.
func New(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: c, turns: make(chan struct{}, c.Limits.Active), mux: http.NewServeMux()}
	s.routes = s.table()
	for _, r := range s.routes {
		s.mux.Handle(r.method+" "+r.path, s.guarded(r.endpoint(), r.answer))
	}
	s.mux.Handle("/", s.guarded("other", s.elsewhere))
	return s, nil
}

// table lists the operations.
func (s *Server) table() []route {
	return []route{
		{"GET", "/v1/model", s.model},
		{"POST", "/v1/sample", post(s, sampled)},
		{"POST", "/v1/score", post(s, scored)},
		{"POST", "/v1/impute", post(s, imputed)},
		{"POST", "/v1/denoise", post(s, denoised)},
		{"POST", "/v1/recover", post(s, recovered)},
		{"POST", "/v1/deconvolve", post(s, deconvolved)},
		{"GET", "/v1/openapi.json", s.openAPI},
	}
}

// ServeHTTP implements http.Handler for the paths under /v1/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// elsewhere answers what no route does.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) error {
	for _, route := range s.routes {
		if route.path == r.URL.Path {
			w.Header().Set("Allow", route.method)
			return problemf(http.StatusMethodNotAllowed, "%s takes %s only", route.path, route.method)
		}
	}
	return problemf(http.StatusNotFound, "there is no %.100q: /v1/openapi.json lists what there is", r.URL.Path)
}

var sameOrigin = http.NewCrossOriginProtection()

// guarded writes the error of an answer, survives its defects, and tells the hooks. Pages
// of other sites make nothing be computed.
func (s *Server) guarded(endpoint string, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w := &recorder{ResponseWriter: plain}
		defer func() {
			if what := recover(); what != nil {
				if s.cfg.Hooks.Panicked != nil {
					s.cfg.Hooks.Panicked(endpoint, what, debug.Stack())
				}
				if w.code == 0 {
					problemf(http.StatusInternalServerError, "this is a defect of the server; its log says more").write(w)
				}
			}
			if s.cfg.Hooks.Request != nil {
				s.cfg.Hooks.Request(endpoint, w.code, time.Since(began))
			}
		}()
		// Requests of programs say nothing of a site, and pass.
		if sameOrigin.Check(r) != nil {
			problemf(http.StatusForbidden, "a page of another site may not ask for this").write(w)
			return
		}
		if err := answer(w, r); err != nil {
			asProblem(err).write(w)
		}
	})
}

// asProblem is the answer to an error.
func asProblem(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.DeadlineExceeded):
		return problemf(http.StatusServiceUnavailable, "the request took too long: send fewer records at a time")
	case errors.Is(err, context.Canceled):
		return problemf(http.StatusServiceUnavailable, "the client has gone")
	}
	return unanswerable("%v", err)
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// current returns the engine, or the problem that there is none.
func (s *Server) current() (*engine, error) {
	if e := s.engine.Load(); e != nil {
		return e, nil
	}
	return nil, problemf(http.StatusServiceUnavailable, "%v", s.why())
}

// why says why there is no model.
func (s *Server) why() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return errors.New("the model is being loaded")
}

// turn waits until the request may compute; done ends it.
func (s *Server) turn(ctx context.Context) (done func(), err error) {
	wait := time.NewTimer(s.cfg.Limits.Waiting)
	defer wait.Stop()
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, problemf(http.StatusServiceUnavailable, "%d requests are being answered and others wait: try again", s.cfg.Limits.Active)
	}
}

// post makes the answer of a route from what it does with a request's body.
func post[T any](s *Server, answer func(ctx context.Context, e *engine, l Limits, request *T) (any, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Limits.Time)
		defer cancel()
		request := new(T)
		if err := read(w, r, s.cfg.Limits.Body, request); err != nil {
			return err
		}
		e, err := s.current()
		if err != nil {
			return err
		}
		done, err := s.turn(ctx)
		if err != nil {
			return err
		}
		defer done()
		body, err := answer(ctx, e, s.cfg.Limits, request)
		if err != nil {
			return err
		}
		return respond(w, body)
	}
}
