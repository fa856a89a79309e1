package embedded

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// addons are the objects that a cluster has from the start, each with the collection that it is created in.
//
//go:embed addons.yaml
var addons string

// addonInstaller creates the objects of a new cluster.
func (s *supervisor) addonInstaller() part {
	return s.background("install the objects of metrics-server", from(s.served, s.installAddons))
}

// installAddons creates the objects unless the cluster had them before: then they are the learner's, and what was
// deleted stays deleted.
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

// create posts one object until the API server accepts it: a new API server lacks namespaces and kinds for a moment.
func create(ctx context.Context, client *http.Client, url, body string) error {
	return wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(body))
		if err != nil {
			return false, err
		}
		req.Header.Set("Content-Type", "application/yaml")
		res, err := client.Do(req)
		if err != nil {
			return false, nil // the API server does not answer yet
		}
		res.Body.Close()
		switch {
		case res.StatusCode < http.StatusMultipleChoices, res.StatusCode == http.StatusConflict:
			return true, nil
		case res.StatusCode == http.StatusBadRequest, res.StatusCode == http.StatusUnprocessableEntity:
			return false, errors.New(res.Status)
		}
		return false, nil
	})
}
