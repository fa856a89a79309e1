package embedded

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/k8slab/k8slab/engine/cluster/embedded/metrics"
)

const (
	// metricsService has the same name as on other clusters, so that whoever looks for metrics-server finds it.
	metricsService = "metrics-server"
	metricsPort    = 443
)

// metricsServer serves metrics.k8s.io. It starts before the API server answers: an API server that knows the group
// from before does not become ready without an answer about the group's resources, and waits for seconds.
func (s *supervisor) metricsServer() part { return s.background("serve metrics", s.serveMetrics) }

// serveMetrics serves metrics.k8s.io to the API server, and to nobody else, until ctx ends.
func (s *supervisor) serveMetrics(ctx context.Context) error {
	serving, err := tls.LoadX509KeyPair(s.folder.pki("metrics-server.crt"), s.folder.pki("metrics-server.key"))
	if err != nil {
		return err
	}
	frontProxy, err := os.ReadFile(s.folder.pki(frontProxyCA + ".crt"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(frontProxy) {
		return fmt.Errorf("%s holds no certificate", s.folder.pki(frontProxyCA+".crt"))
	}
	server := &http.Server{
		Handler: metrics.Handler(s.simulation),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{serving},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
			SessionTicketsDisabled: true, // a pipe has no buffer: they would be written while the client writes its request
		},
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ServeTLS(s.metricsConns, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
