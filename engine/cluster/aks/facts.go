package aks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
)

// Managed implements cluster.ManagedFacts.
func (p *Provider) Managed(ctx context.Context, name string) (*managed.Cluster, error) {
	place, err := p.Place(name)
	if err != nil {
		return nil, err
	}
	return p.api.facts(ctx, place)
}

// facts asks Azure for everything about the cluster. It leaves out what the person may not read, except for the cluster
// itself: the role that is enough to play a lab can read nothing but the cluster.
func (a *api) facts(ctx context.Context, place cluster.Place) (*managed.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	clients, err := a.clients(place.Subscription)
	if err != nil {
		return nil, problemOf(err, place)
	}
	client := clients.NewManagedClustersClient()
	found, err := client.Get(ctx, place.ResourceGroup, place.Name, nil)
	if err != nil {
		return nil, problemOf(err, place)
	}
	c := factsOf(&found.ManagedCluster, place)
	for _, part := range []struct {
		name managed.Part
		read func() error
	}{
		{managed.Upgrades, func() error { return readUpgrades(ctx, client, place, c) }},
		{managed.Available, func() error { return readAvailable(ctx, client, c) }},
		{managed.Pools, func() error { return readPools(ctx, clients.NewAgentPoolsClient(), place, c) }},
		{managed.PoolUpgrades, func() error { return readPoolUpgrades(ctx, clients.NewAgentPoolsClient(), place, c) }},
		{managed.Windows, func() error { return readWindows(ctx, clients.NewMaintenanceConfigurationsClient(), place, c) }},
	} {
		err := part.read()
		if failed, ok := errors.AsType[*azcore.ResponseError](err); ok && failed.StatusCode == http.StatusForbidden {
			c.Unread = append(c.Unread, part.name)
			continue
		}
		if err != nil {
			return nil, problemOf(err, place)
		}
	}
	return c, nil
}

func readUpgrades(ctx context.Context, client *armcontainerservice.ManagedClustersClient, place cluster.Place, c *managed.Cluster) error {
	upgrades, err := client.GetUpgradeProfile(ctx, place.ResourceGroup, place.Name, nil)
	if err == nil && upgrades.Properties != nil {
		c.Upgrades = upgradesOf(upgrades.Properties.ControlPlaneProfile)
	}
	return err
}

func readAvailable(ctx context.Context, client *armcontainerservice.ManagedClustersClient, c *managed.Cluster) error {
	versions, err := client.ListKubernetesVersions(ctx, c.Region, nil)
	if err == nil {
		c.Available = releasesOf(versions.Values)
	}
	return err
}

// factsOf reads the facts that are in the cluster's own resource.
func factsOf(from *armcontainerservice.ManagedCluster, place cluster.Place) *managed.Cluster {
	c := &managed.Cluster{
		Name: place.Name, ResourceGroup: place.ResourceGroup, Subscription: place.Subscription, Region: value(from.Location), LocalAccounts: true,
		Upgrades: []managed.Upgrade{}, Available: []managed.Release{}, Pools: []managed.Pool{}, Windows: []managed.Window{},
	}
	if from.SKU != nil {
		c.Tier = string(value(from.SKU.Tier))
	}
	p := from.Properties
	if p == nil {
		return c
	}
	c.Provisioning, c.Version, c.Wanted = value(p.ProvisioningState), value(p.CurrentKubernetesVersion), value(p.KubernetesVersion)
	c.SupportPlan = string(value(p.SupportPlan))
	c.LocalAccounts = !value(p.DisableLocalAccounts)
	if p.PowerState != nil {
		c.PowerState = string(value(p.PowerState.Code))
	}
	if p.AutoUpgradeProfile != nil {
		c.UpgradeChannel, c.NodeOSChannel = string(value(p.AutoUpgradeProfile.UpgradeChannel)), string(value(p.AutoUpgradeProfile.NodeOSUpgradeChannel))
	}
	if p.AADProfile != nil {
		c.EntraID, c.CloudRBAC = value(p.AADProfile.Managed), value(p.AADProfile.EnableAzureRBAC)
	}
	if p.APIServerAccessProfile != nil {
		c.Private = value(p.APIServerAccessProfile.EnablePrivateCluster)
	}
	return c
}

func upgradesOf(p *armcontainerservice.ManagedClusterPoolUpgradeProfile) []managed.Upgrade {
	all := []managed.Upgrade{}
	if p == nil {
		return all
	}
	for _, u := range p.Upgrades {
		all = append(all, managed.Upgrade{Version: value(u.KubernetesVersion), Preview: value(u.IsPreview)})
	}
	slices.SortFunc(all, func(a, b managed.Upgrade) int { return byVersion(a.Version, b.Version) })
	return all
}

func releasesOf(all []*armcontainerservice.KubernetesVersion) []managed.Release {
	releases := []managed.Release{}
	for _, v := range all {
		r := managed.Release{Version: value(v.Version), Default: value(v.IsDefault), Preview: value(v.IsPreview), Patches: []string{}}
		for patch := range v.PatchVersions {
			r.Patches = append(r.Patches, patch)
		}
		slices.SortFunc(r.Patches, byVersion)
		if v.Capabilities != nil {
			for _, plan := range v.Capabilities.SupportPlan {
				r.Plans = append(r.Plans, string(value(plan)))
			}
		}
		releases = append(releases, r)
	}
	slices.SortFunc(releases, func(a, b managed.Release) int { return byVersion(a.Version, b.Version) })
	return releases
}

// byVersion orders "1.9" before "1.10".
func byVersion(a, b string) int {
	number := func(s string) []int {
		var parts []int
		for _, part := range strings.Split(s, ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				n = -1
			}
			parts = append(parts, n)
		}
		return parts
	}
	return slices.Compare(number(a), number(b))
}

func readPools(ctx context.Context, client *armcontainerservice.AgentPoolsClient, place cluster.Place, c *managed.Cluster) error {
	all := []managed.Pool{}
	err := each(ctx, client.NewListPager(place.ResourceGroup, place.Name, nil), func(page armcontainerservice.AgentPoolsClientListResponse) {
		for _, from := range page.Value {
			all = append(all, poolOf(from))
		}
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b managed.Pool) int { return strings.Compare(a.Name, b.Name) })
	c.Pools = all
	return nil
}

func readPoolUpgrades(ctx context.Context, client *armcontainerservice.AgentPoolsClient, place cluster.Place, c *managed.Cluster) error {
	for i := range c.Pools {
		pool := &c.Pools[i]
		profile, err := client.GetUpgradeProfile(ctx, place.ResourceGroup, place.Name, pool.Name, nil)
		if err != nil {
			return err
		}
		if profile.Properties == nil {
			continue
		}
		for _, u := range profile.Properties.Upgrades {
			pool.Upgrades = append(pool.Upgrades, managed.Upgrade{Version: value(u.KubernetesVersion), Preview: value(u.IsPreview)})
		}
	}
	return nil
}

// each calls f for every page.
func each[T any](ctx context.Context, pager *runtime.Pager[T], f func(T)) error {
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		f(page)
	}
	return nil
}

func poolOf(from *armcontainerservice.AgentPool) managed.Pool {
	pool := managed.Pool{Name: value(from.Name), Zones: []string{}, Upgrades: []managed.Upgrade{}}
	p := from.Properties
	if p == nil {
		return pool
	}
	pool.Mode, pool.VMSize, pool.OS = string(value(p.Mode)), value(p.VMSize), string(value(p.OSSKU))
	pool.Count, pool.Autoscaling = int(value(p.Count)), value(p.EnableAutoScaling)
	pool.Least, pool.Most = int(value(p.MinCount)), int(value(p.MaxCount))
	pool.Version, pool.Image, pool.Provisioning = value(p.CurrentOrchestratorVersion), value(p.NodeImageVersion), value(p.ProvisioningState)
	if p.PowerState != nil {
		pool.PowerState = string(value(p.PowerState.Code))
	}
	for _, zone := range p.AvailabilityZones {
		pool.Zones = append(pool.Zones, value(zone))
	}
	if u := p.UpgradeSettings; u != nil {
		pool.MaxSurge = value(u.MaxSurge)
		pool.DrainTimeout = time.Duration(value(u.DrainTimeoutInMinutes)) * time.Minute
		pool.Soak = time.Duration(value(u.NodeSoakDurationInMinutes)) * time.Minute
	}
	return pool
}

func readWindows(ctx context.Context, client *armcontainerservice.MaintenanceConfigurationsClient, place cluster.Place, c *managed.Cluster) error {
	all := []managed.Window{}
	err := each(ctx, client.NewListByManagedClusterPager(place.ResourceGroup, place.Name, nil), func(page armcontainerservice.MaintenanceConfigurationsClientListByManagedClusterResponse) {
		for _, from := range page.Value {
			all = append(all, windowOf(from))
		}
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b managed.Window) int { return strings.Compare(a.Name, b.Name) })
	c.Windows = all
	return nil
}

func windowOf(from *armcontainerservice.MaintenanceConfiguration) managed.Window {
	w := managed.Window{Name: value(from.Name)}
	p := from.Properties
	if p == nil {
		return w
	}
	for _, span := range p.NotAllowedTime {
		w.Blocked = append(w.Blocked, managed.Span{From: value(span.Start), To: value(span.End)})
	}
	if m := p.MaintenanceWindow; m != nil {
		w.Start, w.UTCOffset, w.Duration, w.Every = value(m.StartTime), value(m.UTCOffset), time.Duration(value(m.DurationHours))*time.Hour, every(m.Schedule)
		if m.StartDate != nil {
			w.From = m.StartDate.Format(time.DateOnly)
		}
		for _, span := range m.NotAllowedDates {
			w.Blocked = append(w.Blocked, managed.Span{From: value(span.Start), To: value(span.End)})
		}
		return w
	}
	// The older form, which the configuration "default" has: hours of days of the week.
	var days []string
	for _, t := range p.TimeInWeek {
		days = append(days, string(value(t.Day)))
		w.Duration += time.Duration(len(t.HourSlots)) * time.Hour
		if len(t.HourSlots) > 0 && w.Start == "" {
			w.Start = fmt.Sprintf("%02d:00", value(t.HourSlots[0]))
		}
	}
	w.Every = managed.Schedule{Unit: "week", Interval: 1, Weekdays: days}
	return w
}

func every(s *armcontainerservice.Schedule) managed.Schedule {
	interval := func(n *int32) int { return max(1, int(value(n))) }
	switch {
	case s == nil:
	case s.Daily != nil:
		return managed.Schedule{Unit: "day", Interval: interval(s.Daily.IntervalDays)}
	case s.Weekly != nil:
		return managed.Schedule{Unit: "week", Interval: interval(s.Weekly.IntervalWeeks), Weekdays: []string{string(value(s.Weekly.DayOfWeek))}}
	case s.AbsoluteMonthly != nil:
		return managed.Schedule{Unit: "month", Interval: interval(s.AbsoluteMonthly.IntervalMonths), Day: int(value(s.AbsoluteMonthly.DayOfMonth))}
	case s.RelativeMonthly != nil:
		return managed.Schedule{
			Unit: "month", Interval: interval(s.RelativeMonthly.IntervalMonths), Nth: string(value(s.RelativeMonthly.WeekIndex)),
			Weekdays: []string{string(value(s.RelativeMonthly.DayOfWeek))},
		}
	}
	return managed.Schedule{}
}
