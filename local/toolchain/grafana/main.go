// Command grafana stands in for Grafana's server, which cannot be built from a Go module: it answers the probes, and does
// not start unless it finds what the original needs of its pod, that is provisioned files and a folder to write to.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	if err := checkPod(); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /api/health", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(answer, `{"database":"ok","version":"stand-in"}`)
	})
	log.Fatal(http.ListenAndServe(":3000", nil))
}

func checkPod() error {
	provisioned := os.Getenv("GF_PATHS_PROVISIONING")
	for _, kind := range []string{"datasources", "dashboards"} {
		files, err := filepath.Glob(filepath.Join(provisioned, kind, "*.yaml"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no %s in %s", kind, provisioned)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				return err
			}
		}
	}
	if os.Getenv("GF_SECURITY_ADMIN_PASSWORD") == "" {
		return fmt.Errorf("GF_SECURITY_ADMIN_PASSWORD is empty")
	}
	return os.WriteFile(filepath.Join(os.Getenv("GF_PATHS_DATA"), "grafana.db"), nil, 0o600)
}
