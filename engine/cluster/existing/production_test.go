package existing

import "testing"

func TestWordsOfProduction(t *testing.T) {
	for name, want := range map[string]bool{
		"prod": true, "aks-prod-eastus": true, "PROD1": true, "shop_production": true, "eu.prd.example.com": true, "live-2": true, "本番クラスター": true,
		"product-team": false, "reproduction": false, "non-prod": false, "nonprod": false, "preprod": false, "pre-prod": false, "not-production": false,
		"delivery": false, "olive": false, "dev": false, "non-prod-and-prod": true, "": false,
	} {
		if got := soundsLikeProduction(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestNamespacesOfTheClusterItself(t *testing.T) {
	for name, want := range map[string]bool{"kube-system": true, "gatekeeper-system": true, "aks-istio-ingress": true, "payments": false, "system": false} {
		if got := isSystem(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
