package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/present"
)

// patience is how long a phase may take before a live line tells that it goes on.
const patience = 500 * time.Millisecond

// Phases writes one line for each phase that ends, with its time. On a terminal it also shows, after half a second,
// the phase under way and how long it has taken; elsewhere it writes no control character.
// Close it before anything else is written.
type Phases struct {
	liveLine
	screen Screen
	open   []openPhase
}

type openPhase struct {
	name  string
	begin time.Time
}

// NewPhases writes to out. live says that out is a terminal on which a line can be rewritten.
func NewPhases(s Screen, out io.Writer, live bool) *Phases {
	p := &Phases{liveLine: liveLine{out: out}, screen: s}
	if live {
		p.start(100*time.Millisecond, p.underWay)
	}
	return p
}

// Report is a [cluster.Progress]. A phase that is still under way at Close gets no line; the command's error says why.
func (p *Phases) Report(ph cluster.Phase) {
	p.Lock()
	defer p.Unlock()
	if !ph.Done {
		p.open = append(p.open, openPhase{ph.Name, time.Now()})
		return
	}
	for i := len(p.open) - 1; i >= 0; i-- {
		if p.open[i].name == ph.Name {
			p.open = append(p.open[:i], p.open[i+1:]...)
			break
		}
	}
	p.clear()
	fmt.Fprint(p.out, p.screen.phaseLine(p.screen.paint(green, "✓"), p.screen.phaseName(ph.Name), ph.Elapsed, ph.Detail))
}

func (p *Phases) underWay(now time.Time) string {
	if len(p.open) == 0 {
		return ""
	}
	current := p.open[len(p.open)-1]
	if now.Sub(current.begin) < patience {
		return ""
	}
	line := strings.TrimRight(p.screen.phaseLine("…", p.screen.phaseName(current.name), now.Sub(current.begin), ""), "\n")
	return ansi.Truncate(line, p.screen.columns()-1, "")
}

func (s Screen) phaseLine(sign, name string, elapsed time.Duration, detail string) string {
	const column = 24
	line := sign + " " + name + strings.Repeat(" ", max(1, column-Width(name))) + fmt.Sprintf("%5.1f s", elapsed.Seconds())
	if detail = Plain(detail); detail != "" && Width(line)+2+Width(detail) <= s.columns() {
		line += "  " + detail
	}
	return line + "\n"
}

func (s Screen) phaseName(name string) string { return Plain(present.Phase(name).In(s.Lang)) }
