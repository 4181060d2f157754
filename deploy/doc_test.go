// Package deploy_test checks what is deployed with Phasor against the program: rules, dashboards, and the settings in
// the files for containers, Kubernetes and systemd.
package deploy_test
