// Package status is the page that a role shows at /: what somebody on call asks first, without any asset from elsewhere.
//
// A [Board] listens to the hooks of the services of one process and keeps a bounded history of what they say. It answers
//
//	GET  /                   the page, complete as it is served: it needs no script
//	GET  /status.json        the same data, a [Page]
//	GET  /events             the parts of the page that changed, as server-sent events
//	POST /models/promote     ?sketch=NAME&version=N: serve this version
//	POST /models/roll-back   ?sketch=NAME: serve the version that was served before
//
// Every reader gets the same bytes: the page is rendered once, however many look, and not at all while nobody does.
// A reader that does not keep up is dropped, and begins anew by itself. What changes something asks a [Guard] first.
//
// A role shows what it knows: a sketcher its streams, a trainer drift and models, a server the model that it answers with.
package status
