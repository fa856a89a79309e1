package behavior

import (
	"strings"
	"testing"
)

const client = `apiVersion: k8slab.dev/v1alpha1
kind: SimulatedClient
metadata: {name: ci-bot}
spec:
  namespace: ci
  serviceAccount: ci-bot
  selector: {matchLabels: {app: ci-bot}}
  every: 10s
  apply: {configMap: manifests}
`

func TestClientsAndWorkloadsStandSideBySide(t *testing.T) {
	documents := []byte(client + "---\n" + workload("  selector: {namespace: shop}\n  stopAfter: 40s\n"))
	clients, err := DecodeClients(documents)
	if err != nil || len(clients) != 1 || clients[0].Name != "ci-bot" || clients[0].Spec.Apply.ConfigMap != "manifests" {
		t.Errorf("clients %+v, %v", clients, err)
	}
	if workloads, err := Decode(documents); err != nil || len(workloads) != 1 {
		t.Errorf("workloads %+v, %v", workloads, err)
	}
	if !Is(APIVersion, ClientKind) || !Is(APIVersion, WorkloadKind) || Is("v1", "Pod") {
		t.Error("the kinds of behaviour are not told from the API's")
	}
}

func TestAClientThatIsWrongIsRefused(t *testing.T) {
	for name, document := range map[string]string{
		"a field that does not exist": client + "  command: [rm]\n",
		"no namespace":                strings.Replace(client, "namespace: ci\n", "namespace: \"\"\n", 1),
		"the cluster's own":           strings.Replace(client, "namespace: ci\n", "namespace: kube-system\n", 1),
		"no selector":                 strings.Replace(client, "{matchLabels: {app: ci-bot}}", "{}", 1),
		"without a pause":             strings.Replace(client, "10s", "10ms", 1),
		"a name twice":                client + "---\n" + client,
		"too many": client + "---\n" + func() (all string) {
			for _, n := range strings.Split("abcdefgh", "") {
				all += strings.Replace(client, "name: ci-bot}", "name: "+n+"}", 1) + "---\n"
			}
			return all
		}(),
	} {
		if clients, err := DecodeClients([]byte(document)); err == nil {
			t.Errorf("%s: %+v", name, clients)
		}
	}
}
