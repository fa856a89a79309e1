package embedded

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster/embedded/metrics"
)

const (
	// metricsService is named as on other clusters: what looks for metrics-server finds it.
	metricsService = "metrics-server"
	metricsPort    = 443
)

// addons are the objects that a cluster has from the start, each with the collection that it is created in.
//
//go:embed addons.yaml
var addons string

// serveMetrics serves metrics.k8s.io to the API server, and to nobody else, until ctx ends. It has to be there before the API server is: one
// that knows the group from before does not become ready without an answer to what is in it, and waits for seconds.
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
	if err := server.ServeTLS(s.metrics, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// installAddons creates the objects of a new cluster. In one that had them they are the learner's: what was deleted stays deleted.
func (s *supervisor) installAddons(ctx context.Context) error {
	if _, err := os.Stat(s.folder.addonsMark()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", s.folder.identity("operator"))
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(s.folder.pki(clusterCA + ".crt"))
	if err != nil {
		return err
	}
	filled := strings.NewReplacer("$METRICS_IP", metricsIP, "$CA_BUNDLE", base64.StdEncoding.EncodeToString(ca)).Replace(addons)
	for document := range strings.SplitSeq(filled, "\n---\n") {
		first, body, _ := strings.Cut(document, "\n")
		collection := strings.TrimPrefix(first, "# POST ")
		if err := create(ctx, client, cfg.Host+collection, body); err != nil {
			return fmt.Errorf("create %s: %w", collection, err)
		}
	}
	return writeFile(s.folder.addonsMark(), nil)
}

// create posts one object, and again until the API server has what it needs to take it.
func create(ctx context.Context, client *http.Client, url, body string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/yaml")
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
			switch {
			case res.StatusCode < http.StatusMultipleChoices, res.StatusCode == http.StatusConflict:
				return nil
			case res.StatusCode == http.StatusBadRequest, res.StatusCode == http.StatusUnprocessableEntity:
				return errors.New(res.Status)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(readyPoll):
		}
	}
}
