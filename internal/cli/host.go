package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/terminal"
)

// examineHost looks at a cluster that somebody else made, or at what one of that kind needs.
func (inv *invocation) examineHost(ctx context.Context, kind string, place cluster.Place) ([]finding, error) {
	eng, err := inv.engine()
	if err != nil {
		return nil, err
	}
	p, err := eng.Provider(kind)
	if err != nil {
		return nil, err
	}
	guest, isGuest := p.(cluster.Guest)
	examiner, examines := p.(cluster.Examiner)
	if !isGuest && (!examines || !place.IsZero()) {
		return nil, problem.New(problem.Usage,
			"flags that name a cluster go with --cluster existing or --cluster aks",
			"クラスターを指定するフラグは --cluster existing または --cluster aks と一緒に使います", "k8slab doctor --help")
	}
	if examines {
		var findings []finding
		for _, f := range examiner.Examine(ctx, place) {
			findings = append(findings, finding{Name: f.Name, State: f.State, Found: f.Found, Next: f.Next, kind: problem.Cluster})
		}
		return findings, nil
	}
	host, err := guest.Look(ctx, "", place)
	if err != nil {
		return []finding{findingOf("cluster", err)}, nil
	}
	findings := []finding{{Name: "cluster", State: "ok", Found: content.Text{
		EN: fmt.Sprintf("%s answers as Kubernetes %s and takes you for %s", host.Server, host.Version, host.User),
		JA: fmt.Sprintf("%s は Kubernetes %s です。ユーザー名は %s です", host.Server, host.Version, host.User),
	}}}
	for _, sign := range host.Production {
		findings = append(findings, finding{Name: "production", State: "note", Found: content.Text{
			EN: "looks like a cluster that people depend on: " + sign.EN, JA: "人が使っているクラスターのようです: " + sign.JA,
		}})
	}
	return findings, nil
}

// managedText shows what a cloud says of its cluster.
func (inv *invocation) managedText(c *managed.Cluster) string {
	screen := inv.screen()
	about := [][2]string{
		{inv.say("managed", "マネージド"), c.ResourceGroup + "/" + c.Name + " (" + c.Region + ", " + orDash(c.Tier) + ")"},
		{inv.say("power", "電源"), c.PowerState + ", " + c.Provisioning},
		{inv.say("version", "バージョン"), c.Version},
		{inv.say("upgrades", "更新先"), unlessUnread(c, managed.Upgrades, orDash(upgradeText(c.Upgrades)))},
		{inv.say("channels", "チャネル"), fmt.Sprintf(inv.say("cluster %s, node OS %s", "クラスター %s、ノード OS %s"), orDash(c.UpgradeChannel), orDash(c.NodeOSChannel))},
		{inv.say("accounts", "アカウント"), inv.accountText(c)},
	}
	if len(c.Unread) > 0 {
		about = append(about, [2]string{inv.say("you may not read", "権限なし"), c.UnreadText().In(inv.lang)})
	}
	text := screen.Definitions(about)
	var rows [][]string
	for _, p := range c.Pools {
		rows = append(rows, []string{p.Name, p.Mode, fmt.Sprint(p.Count), p.Version, p.VMSize, strings.Join(p.Zones, ","), orDash(p.MaxSurge), unlessUnread(c, managed.PoolUpgrades, orDash(upgradeText(p.Upgrades)))})
	}
	if c.MayRead(managed.Pools) {
		text += "\n" + screen.Table([]terminal.Column{
			{Title: inv.say("POOL", "プール")}, {Title: inv.say("MODE", "モード")}, {Title: inv.say("NODES", "ノード")}, {Title: inv.say("VERSION", "バージョン")},
			{Title: inv.say("SIZE", "サイズ")}, {Title: inv.say("ZONES", "ゾーン")}, {Title: "SURGE"}, {Title: inv.say("UPGRADES", "更新先"), Wrap: true},
		}, rows)
	}
	var windows [][2]string
	for _, w := range c.Windows {
		windows = append(windows, [2]string{w.Name, inv.windowText(w)})
	}
	if len(windows) > 0 {
		text += "\n" + screen.Definitions(windows)
	}
	return text
}

// unlessUnread returns the text, or "?" where the person may not read that part.
func unlessUnread(c *managed.Cluster, part managed.Part, text string) string {
	if !c.MayRead(part) {
		return "?"
	}
	return text
}

func upgradeText(all []managed.Upgrade) string {
	var names []string
	for _, u := range all {
		name := u.Version
		if u.Preview {
			name += " (preview)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (inv *invocation) accountText(c *managed.Cluster) string {
	parts := []string{"Entra ID"}
	if !c.EntraID {
		parts = nil
	}
	if c.CloudRBAC {
		parts = append(parts, "Azure RBAC")
	}
	if c.LocalAccounts {
		parts = append(parts, inv.say("local accounts", "ローカルアカウント"))
	}
	return strings.Join(parts, ", ")
}

func (inv *invocation) windowText(w managed.Window) string {
	hours := int(w.Duration / time.Hour)
	text := fmt.Sprintf(inv.say("%s from %s for %d h", "%s、%s から %d 時間"), w.Every.Text().In(inv.lang), strings.TrimSpace(w.Start+" "+w.UTCOffset), hours)
	for _, span := range w.Blocked {
		text += fmt.Sprintf(inv.say("; not from %s to %s", "。%s から %s までは除く"), span.From.Format(time.DateOnly), span.To.Format(time.DateOnly))
	}
	return text
}
