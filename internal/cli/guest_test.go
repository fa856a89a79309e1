package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// cloud is a provider of clusters that somebody else made and a cloud runs.
type cloud struct {
	cluster.Guest
	unread []managed.Part
	silent error
}

func (cloud) Name() string { return "aks" }

func (c cloud) Managed(context.Context, string) (*managed.Cluster, error) {
	if c.silent != nil {
		return nil, c.silent
	}
	if len(c.unread) > 0 {
		return &managed.Cluster{
			Name: "shop", ResourceGroup: "labs", Region: "westeurope", Tier: "Standard", PowerState: "Running", Provisioning: "Succeeded", Version: "1.36.3",
			UpgradeChannel: "stable", EntraID: true, Unread: c.unread,
		}, nil
	}
	upgrades := []managed.Upgrade{{Version: "1.36.4"}, {Version: "1.37.2", Preview: true}}
	return &managed.Cluster{
		Name: "shop", ResourceGroup: "labs", Region: "westeurope", Tier: "Standard", PowerState: "Running", Provisioning: "Succeeded", Version: "1.36.3",
		Upgrades: upgrades, UpgradeChannel: "stable", EntraID: true, CloudRBAC: true,
		Pools: []managed.Pool{
			{Name: "apps", Mode: "User", Count: 4, Version: "1.36.3", VMSize: "Standard_D4s_v5", Zones: []string{"1", "2", "3"}, MaxSurge: "33%", Upgrades: upgrades[:1]},
			{Name: "system", Mode: "System", Count: 1, Version: "1.36.3", VMSize: "Standard_D2s_v5"},
		},
		Windows: []managed.Window{{
			Name: "aksManagedAutoUpgradeSchedule", Every: managed.Schedule{Unit: "week", Interval: 2, Weekdays: []string{"Sunday"}}, Start: "02:00", UTCOffset: "+09:00", Duration: 6 * time.Hour,
			Blocked: []managed.Span{{From: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC)}},
		}},
	}, nil
}

func (c cloud) Ensure(context.Context, cluster.Spec, cluster.Progress) (*cluster.Cluster, error) {
	return nil, c.silent
}

func (cloud) Examine(context.Context, cluster.Place) []cluster.Finding {
	return []cluster.Finding{
		{Name: "login", State: "ok", Found: text.Text{EN: "signed in", JA: "サインイン済み"}},
		{Name: "cluster", State: "problem", Found: text.Text{EN: "labs/shop is stopped", JA: "labs/shop は停止しています"}, Next: action.InTerminal("az aks start --resource-group labs --name shop")},
	}
}

func visiting() *played {
	p := newPlayed()
	p.host = &cluster.Host{
		Context: "shop", Server: "https://shop-dns.hcp.westeurope.azmk8s.example:443", User: "mia@example.com", Version: "v1.36.3",
		Nodes: make([]cluster.HostNode, 5), Production: []text.Text{{EN: "it has a namespace called prod", JA: "prod という Namespace があります"}},
	}
	p.session.Cluster.Provider, p.session.Cluster.Components = "aks", nil
	p.session.Fits = []catalog.Fit{
		{Step: "drain", Checks: 9, NotJudged: 4, Lacks: []string{"audit-log"}},
		{Step: "deadlock", Checks: 5, NotJudged: 1, Lacks: []string{"audit-log"}, Unplayable: &text.Text{EN: "deadlock needs node-power", JA: "deadlock には node-power が必要です"}},
	}
	p.pass()
	p.report.Verdicts = append(p.report.Verdicts, grading.Verdict{
		ID: "evicted", Use: "pod/evicted", Title: text.Text{EN: "the pods left worker-2 by eviction", JA: "Pod が退避によって worker-2 を離れた"}, Invariant: true,
		Result: checks.Result{Outcome: checks.NotJudged},
		Reason: text.Text{EN: "it needs audit-log, which a cluster of the kind aks does not have", JA: "audit-log が必要ですが、aks クラスターにはありません"},
	})
	return p
}

func (p *played) visit() *engine.VisitPlan {
	return &engine.VisitPlan{
		Lab: p.session.Lab.ID, Step: "drain", Host: p.host, Start: action.Do(action.Start).On("11-maintenance").With("cluster", "aks"),
		Changes: []seed.Change{
			{Action: seed.Remove, Kind: "Namespace", Name: "old"}, {Action: seed.Create, Kind: "Namespace", Name: "shop", DryRun: true},
			{Action: seed.Replace, Kind: "Deployment", Namespace: "shop", Name: "cart"}, {Action: seed.Update, Kind: "Deployment", Namespace: "shop", Name: "cart"},
		},
		Steps: p.session.Fits,
		Notes: []text.Text{{EN: "the lab was written for Kubernetes 1.37; this is v1.36.3", JA: "このラボは Kubernetes 1.37 向けです。このクラスターは v1.36.3 です"}},
	}
}

// PlanVisit implements Engine.
func (p *played) PlanVisit(context.Context, string, engine.StartOptions, cluster.Progress) (*engine.VisitPlan, error) {
	return p.visit(), nil
}

// Delete implements Engine.
func (p *played) Delete(context.Context, string, cluster.Progress) (*cluster.Departure, error) {
	if p.host == nil {
		return nil, p.call("delete")
	}
	return &cluster.Departure{
		Server: p.host.Server, Removed: []string{"deployment/shop/cart"}, Left: []string{"namespace/shop"}, Unseen: []string{"roles.rbac.authorization.k8s.io"},
		Uncordoned: []string{"aks-apps-1"}, Cordoned: []string{"aks-apps-2"},
	}, p.call("delete")
}

// Forget implements Engine.
func (p *played) Forget(context.Context, string) error { return p.call("forget") }

func TestAnswersAboutAClusterOfOthers(t *testing.T) {
	commands := []struct {
		name string
		args []string
		code int
	}{
		{"visit-dry-run", []string{"start", "11-maintenance", "--cluster", "aks", "--dry-run"}, 0},
		{"visit-unasked", []string{"start", "11-maintenance", "--cluster", "aks"}, 2},
		{"visit-yes", []string{"start", "11-maintenance", "--cluster", "aks", "--yes"}, 0},
		{"visit-check", []string{"check"}, 0},
		{"visit-status", []string{"status"}, 0},
		{"visit-next", []string{"next"}, 0},
		{"visit-finish", []string{"finish"}, 0},
		{"visit-delete", []string{"delete"}, 0},
		{"visit-forget", []string{"delete", "--forget"}, 0},
		{"managed-status", []string{"cluster", "status"}, 0},
		{"doctor-aks", []string{"doctor", "--cluster", "aks", "--resource-group", "labs", "--name", "shop"}, 4},
		{"managed-unread", []string{"cluster", "status"}, 0},
		{"managed-silent", []string{"cluster", "status"}, 4},
		{"help-delete", []string{"delete", "--help"}, 0},
		{"help-doctor", []string{"doctor", "--help"}, 0},
		{"help-start", []string{"start", "--help"}, 0},
	}
	for _, lang := range text.Langs {
		for _, width := range []int{80, 40} {
			for _, c := range commands {
				name := fmt.Sprintf("%s.%s.%d", c.name, lang, width)
				t.Run(name, func(t *testing.T) {
					p := visiting()
					switch c.name {
					case "managed-unread":
						p.cloud.unread = []managed.Part{managed.Upgrades, managed.Available, managed.Pools, managed.PoolUpgrades, managed.Windows}
					case "managed-silent":
						p.cloud.silent = problem.New(problem.Cluster, text.New("the sign-in to Azure has expired; sign in again", "Azure へのサインインの期限が切れています。サインインし直してください"), action.InTerminal("az login"))
					}
					out, errs, code := run(t, p, []string{"LANG=" + string(lang) + "_XX.UTF-8", fmt.Sprint("COLUMNS=", width)}, c.args...)
					if code != c.code {
						t.Errorf("exit code %d, want %d", code, c.code)
					}
					golden(t, name+".txt", "$ k8slab "+strings.Join(c.args, " ")+"\n"+out+"-- stderr --\n"+errs)
				})
			}
		}
	}
}

// TestNothingIsTypedIntoAnotherCluster is about a cluster of others that is not the one on which the lab was begun.
func TestNothingIsTypedIntoAnotherCluster(t *testing.T) {
	for _, command := range [][]string{{"kubectl", "drain", "worker-1"}, {"shell"}, {"env"}} {
		p := visiting()
		p.session.Cluster.State = cluster.Degraded
		p.cloud.silent = problem.New(problem.Cluster, text.New("there is another cluster now", "別のクラスターです"), action.Do(action.Delete).With("forget", "").On("11-maintenance"))
		out, errs, code := run(t, p, []string{"LANG=C", "SHELL=/bin/true"}, command...)
		if code != 4 || !strings.Contains(errs, "there is another cluster now") || out != "" {
			t.Errorf("%v: exit code %d, %s%s", command, code, out, errs)
		}
	}
}

func TestOnlyAYesIsAYes(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 0, "YES\n": 0, "はい\n": 0, "n\n": 2, "\n": 2, "": 2, "yeah\n": 2} {
		p := visiting()
		var out, errs bytes.Buffer
		code := Run(t.Context(), []string{"start", "11-maintenance", "--cluster", "aks"},
			Streams{In: strings.NewReader(answer), InTTY: true, Out: &out, Err: &errs, Env: []string{"XDG_STATE_HOME=" + t.TempDir()}},
			Parts{NewEngine: func(string) (Engine, error) { return p, nil }})
		if code != want || !strings.Contains(errs.String(), "May this cluster be changed?") {
			t.Errorf("%q: exit code %d, want %d; %s", answer, code, want, errs.String())
		}
	}
}
