// Package managed holds what a cloud's own API says of a cluster that the cloud runs: versions, upgrades, channels,
// pools and maintenance windows.
//
// It owns these values and what can be told from them. It must not know any cloud's SDK, nor providers: a provider
// fills the values in (engine/cluster/aks), and checks and lessons read them.
//
// Start reading at Cluster.
package managed

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/text"
)

// Cluster is a managed cluster as its cloud describes it. Values in capitals or camel case are the cloud's own words.
type Cluster struct {
	Name          string `json:"name"`
	ResourceGroup string `json:"resourceGroup"`
	Subscription  string `json:"subscription"`
	Region        string `json:"region"`
	// PowerState is "Running" or "Stopped"; Provisioning is "Succeeded", "Updating", "Failed" and so on.
	PowerState   string `json:"powerState"`
	Provisioning string `json:"provisioning"`
	// Version of the control plane now: "1.35.4". Wanted is the version that was asked for, which can be a release:
	// "1.35".
	Version string `json:"version"`
	Wanted  string `json:"wanted"`
	// Upgrades that the control plane can go to, oldest first.
	Upgrades []Upgrade `json:"upgrades"`
	// Available are the releases that new clusters of the region can have, oldest first.
	Available []Release `json:"available"`
	// UpgradeChannel is how the cloud upgrades the cluster by itself: "none", "patch", "stable", "rapid" or
	// "node-image". NodeOSChannel is how it upgrades the nodes' operating system: "None", "Unmanaged", "SecurityPatch"
	// or "NodeImage". Both are empty if nothing was chosen.
	UpgradeChannel string `json:"upgradeChannel"`
	NodeOSChannel  string `json:"nodeOSChannel"`
	// SupportPlan is "KubernetesOfficial" or "AKSLongTermSupport"; Tier is "Free", "Standard" or "Premium".
	SupportPlan string `json:"supportPlan"`
	Tier        string `json:"tier"`
	// LocalAccounts: certificates that the cluster itself issues let people in. EntraID: people sign in with their
	// directory's account. CloudRBAC: role assignments of the cloud give people rights, too. Private: the API server
	// has no public address.
	LocalAccounts bool `json:"localAccounts"`
	EntraID       bool `json:"entraID"`
	CloudRBAC     bool `json:"cloudRBAC"`
	Private       bool `json:"private"`
	// Pools by name, and Windows by name.
	Pools   []Pool   `json:"pools"`
	Windows []Window `json:"windows"`
	// Unread lists the parts that the person may not read. They are empty here, which says nothing of the cluster.
	Unread []Part `json:"unread,omitempty"`
}

// Part is a part of what a cloud says for which the reader needs a right of its own.
type Part string

const (
	// Upgrades is the field Cluster.Upgrades; Available, Pools and Windows are the fields of their names; PoolUpgrades
	// is the field Pool.Upgrades.
	Upgrades     Part = "upgrades"
	Available    Part = "available"
	Pools        Part = "pools"
	PoolUpgrades Part = "poolUpgrades"
	Windows      Part = "windows"
)

// Text names the part.
func (p Part) Text() text.Text {
	switch p {
	case Upgrades:
		return text.Text{EN: "the upgrades that are offered", JA: "更新先のバージョン"}
	case Available:
		return text.Text{EN: "the region's versions", JA: "リージョンのバージョン"}
	case Pools:
		return text.Text{EN: "the pools", JA: "ノードプール"}
	case PoolUpgrades:
		return text.Text{EN: "the pools' upgrades", JA: "ノードプールの更新先"}
	case Windows:
		return text.Text{EN: "the maintenance windows", JA: "メンテナンスウィンドウ"}
	}
	return text.Text{EN: string(p), JA: string(p)}
}

// MayRead reports whether the part could be read.
func (c *Cluster) MayRead(part Part) bool { return !slices.Contains(c.Unread, part) }

// UnreadText names the parts of Unread.
func (c *Cluster) UnreadText() text.Text {
	var en, ja []string
	for _, part := range c.Unread {
		name := part.Text()
		en, ja = append(en, name.EN), append(ja, name.JA)
	}
	return text.Text{EN: strings.Join(en, ", "), JA: strings.Join(ja, "、")}
}

// Upgrade is a version to which a control plane or a pool can go.
type Upgrade struct {
	Version string `json:"version"`
	Preview bool   `json:"preview,omitempty"`
}

// Release is a release that a region offers.
type Release struct {
	// Version is the release: "1.35". Patches are its versions: "1.35.4".
	Version string   `json:"version"`
	Patches []string `json:"patches"`
	Default bool     `json:"default,omitempty"`
	Preview bool     `json:"preview,omitempty"`
	// Plans name the support plans that cover the release.
	Plans []string `json:"plans,omitempty"`
}

// Pool is a group of nodes that are alike.
type Pool struct {
	Name string `json:"name"`
	// Mode is "System" or "User".
	Mode  string `json:"mode"`
	Count int    `json:"count"`
	// Least and Most bound Count if Autoscaling is true.
	Autoscaling bool   `json:"autoscaling"`
	Least       int    `json:"least,omitempty"`
	Most        int    `json:"most,omitempty"`
	VMSize      string `json:"vmSize"`
	OS          string `json:"os"`
	// Version of the kubelets, Image that of the nodes' disks: "AKSUbuntu-2204gen2containerd-202511.07.0".
	Version string   `json:"version"`
	Image   string   `json:"image"`
	Zones   []string `json:"zones"`
	// MaxSurge is how many nodes an upgrade adds: "1" or "33%". DrainTimeout bounds the drain of a node; zero is the
	// cloud's default of 30 minutes. Soak is how long an upgrade waits after each node.
	MaxSurge     string        `json:"maxSurge"`
	DrainTimeout time.Duration `json:"drainTimeoutNs"`
	Soak         time.Duration `json:"soakNs"`
	PowerState   string        `json:"powerState"`
	Provisioning string        `json:"provisioning"`
	// Upgrades that the pool's nodes can go to.
	Upgrades []Upgrade `json:"upgrades"`
}

// Window is when the cloud may do maintenance of one kind.
type Window struct {
	// Name says what the window is for: "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule", or
	// "default" for weekly releases of the service itself.
	Name  string   `json:"name"`
	Every Schedule `json:"every"`
	// Start is the time of day, "00:00", at UTCOffset, "+09:00"; empty means UTC.
	Start     string        `json:"start"`
	UTCOffset string        `json:"utcOffset,omitempty"`
	Duration  time.Duration `json:"durationNs"`
	// From is the first day: "2026-01-01"; empty means at once.
	From string `json:"from,omitempty"`
	// Blocked are times without maintenance.
	Blocked []Span `json:"blocked,omitempty"`
}

// Schedule says on which days a window opens.
type Schedule struct {
	// Unit is "day", "week" or "month"; Interval counts them from 1.
	Unit     string `json:"unit"`
	Interval int    `json:"interval"`
	// Weekdays by their English names. Nth is "First" to "Fourth" or "Last" if the day is a certain weekday of the
	// month.
	Weekdays []string `json:"weekdays,omitempty"`
	Nth      string   `json:"nth,omitempty"`
	// Day of the month; zero if the day is a weekday.
	Day int `json:"day,omitempty"`
}

// Text says the schedule in a few words: "every 2 weeks on Sunday".
func (s Schedule) Text() text.Text {
	unitJA := map[string]string{"day": "日", "week": "週", "month": "か月"}[s.Unit]
	t := text.Text{EN: "every " + s.Unit, JA: "毎" + strings.TrimPrefix(unitJA, "か")}
	if s.Interval > 1 {
		t = text.Text{EN: fmt.Sprintf("every %d %ss", s.Interval, s.Unit), JA: fmt.Sprintf("%d %sごと", s.Interval, unitJA)}
	}
	var ja []string
	for _, day := range s.Weekdays {
		ja = append(ja, weekdayJA(day))
	}
	days := text.Text{EN: strings.Join(s.Weekdays, ", "), JA: strings.Join(ja, "、")}
	switch {
	case s.Day > 0:
		return text.New("%s on day %d", "%sの %d 日", t, s.Day)
	case s.Nth != "":
		nth := map[string]string{"First": "第 1 ", "Second": "第 2 ", "Third": "第 3 ", "Fourth": "第 4 ", "Last": "最終"}[s.Nth]
		return text.Text{EN: fmt.Sprintf("%s on the %s %s", t.EN, strings.ToLower(s.Nth), days.EN), JA: t.JA + "の" + nth + days.JA}
	case len(ja) > 0:
		return text.Text{EN: t.EN + " on " + days.EN, JA: t.JA + "の" + days.JA}
	}
	return t
}

func weekdayJA(day string) string {
	for i := time.Sunday; i <= time.Saturday; i++ {
		if i.String() == day {
			return string([]rune("日月火水木金土")[i]) + "曜"
		}
	}
	return day
}

// Span of time.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Pool returns the pool of that name, and false where there is none.
func (c *Cluster) Pool(name string) (Pool, bool) {
	i := slices.IndexFunc(c.Pools, func(p Pool) bool { return p.Name == name })
	if i < 0 {
		return Pool{}, false
	}
	return c.Pools[i], true
}

// Window returns the maintenance window of that name, and false where there is none.
func (c *Cluster) Window(name string) (Window, bool) {
	i := slices.IndexFunc(c.Windows, func(w Window) bool { return w.Name == name })
	if i < 0 {
		return Window{}, false
	}
	return c.Windows[i], true
}

// Offered reports whether new clusters of the region can still have the control plane's release. Without a support plan
// of its own, a release that is not offered gets no support either. Offered is false if Available may not be read.
func (c *Cluster) Offered() bool {
	return slices.ContainsFunc(c.Available, func(r Release) bool { return strings.HasPrefix(c.Version+".", r.Version+".") })
}
