package terminal

import (
	"strings"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// Sheet renders a table in the screen's language, or the table's text for a table without rows.
func (s Screen) Sheet(t present.Table) string {
	if len(t.Rows) == 0 && !t.Empty.IsZero() {
		return s.Paragraph(t.Empty.In(s.Lang), 0)
	}
	columns := make([]Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = Column{Title: c.Title.In(s.Lang), Wrap: c.Long}
	}
	rows := make([][]string, len(t.Rows))
	for i, cells := range t.Rows {
		for _, cell := range cells {
			rows[i] = append(rows[i], cell.In(s.Lang))
		}
	}
	return s.Table(columns, rows)
}

// Facts renders facts as definitions.
func (s Screen) Facts(facts []present.Fact) string {
	rows := make([][2]string, len(facts))
	for i, f := range facts {
		rows[i] = [2]string{f.Name.In(s.Lang), f.Value.In(s.Lang)}
	}
	return s.Definitions(rows)
}

// Say renders a text as a paragraph.
func (s Screen) Say(t text.Text) string { return s.Paragraph(t.In(s.Lang), 0) }

// Marked renders each text as a paragraph behind a sign, such as "!".
func (s Screen) Marked(sign string, texts []text.Text) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(s.Paragraph(sign+" "+t.In(s.Lang), 2))
	}
	return b.String()
}

// Named renders a sentence, and below it the names that the sentence is about, each behind the sign. It is empty for an
// empty sentence.
func (s Screen) Named(sign string, n present.Named) string {
	if n.Says.IsZero() {
		return ""
	}
	names := make([]text.Text, len(n.Names))
	for i, name := range n.Names {
		names[i] = text.Plain(name)
	}
	return s.Say(n.Says) + s.Marked(sign, names)
}

// Status renders where a learner is in a lab.
func (s Screen) Status(st present.Status) string {
	var b strings.Builder
	b.WriteString(s.Say(st.Heading()) + s.Say(st.Where()) + "\n" + s.Sheet(st.Table()) + "\n" + st.Total().In(s.Lang) + "\n")
	for _, note := range st.Notes() {
		b.WriteString(s.Say(note))
	}
	return b.String()
}

// UpgradePlan renders what an upgrade would do and what stands in its way.
func (s Screen) UpgradePlan(p present.UpgradePlan) string {
	return s.Facts(p.Versions) + s.Say(p.Verdict) + s.Marked("✗", p.Obstacles)
}

// Upgraded renders what an upgrade has done.
func (s Screen) Upgraded(u present.Upgraded) string {
	return s.Say(u.Summary) + s.Named("✗", u.Ignored)
}

// Departure renders what became of a cluster when a lab left it.
func (s Screen) Departure(d present.Departure) string {
	var b strings.Builder
	b.WriteString(s.Say(d.Summary))
	for _, list := range d.Lists {
		b.WriteString(s.Named("•", list))
	}
	return b.String()
}

// Visit renders what a lab is about to do to a cluster that somebody else made.
func (s Screen) Visit(v present.Visit) string {
	return s.Facts(v.Host) + "\n" + s.Sheet(v.Changes) + s.Marked("!", v.Notes)
}

// Findings renders findings, each with a sign, and then the next step of each.
func (s Screen) Findings(findings []present.Finding) string {
	signs := map[string]string{present.FindingOK: "✓", present.FindingNote: "!", present.FindingProblem: "✗"}
	rows := make([][2]string, len(findings))
	next := ""
	for i, f := range findings {
		rows[i] = [2]string{signs[f.State] + " " + f.Name, f.Found.In(s.Lang)}
		if !f.Next.IsZero() {
			next += s.Next(present.Command(f.Next))
		}
	}
	return s.Definitions(rows) + next
}

// Cluster renders a cluster with the components of its control plane. cloud is what the cloud says about the cluster;
// nil if no cloud runs it.
func (s Screen) Cluster(c *cluster.Cluster, cloud *managed.Cluster) string {
	said := s.Facts(present.ClusterFacts(c))
	if len(c.Components) > 0 {
		said += "\n" + s.Sheet(present.ComponentTable(c.Components))
	}
	if cloud == nil {
		return said
	}
	said += "\n" + s.Facts(present.ManagedFacts(cloud))
	if pools := present.PoolTable(cloud); len(pools.Columns) > 0 {
		said += "\n" + s.Sheet(pools)
	}
	if windows := present.WindowFacts(cloud); len(windows) > 0 {
		said += "\n" + s.Facts(windows)
	}
	return said
}
