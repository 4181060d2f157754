package serve

import (
	_ "embed"
	"net/http"
)

// document is the OpenAPI document. A test holds that it lists the routes and that its examples are answered.
//
//go:embed openapi.json
var document []byte

// openAPI answers /v1/openapi.json.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	reply(w, http.StatusOK, "application/json", document)
	return nil
}
