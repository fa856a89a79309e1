package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/k8slab/k8slab/engine/verify"
)

// Proving tells how far a proof of labs is. On a terminal it rewrites one line with the answers under way, and leaves
// one line for each answer that disagrees; elsewhere it writes one line for each answer that has ended, and no control
// character. Close it before anything else is written.
type Proving struct {
	liveLine
	screen Screen
	live   bool
	began  time.Time
	// open are the answers under way, the oldest first.
	open []string
	last verify.Event
}

// NewProving writes to out. live says that out is a terminal on which a line can be rewritten.
func NewProving(s Screen, out io.Writer, live bool) *Proving {
	p := &Proving{liveLine: liveLine{out: out}, screen: s, live: live, began: time.Now()}
	if live {
		p.start(200*time.Millisecond, p.soFar)
	}
	return p
}

// Report is a [verify.Runner]'s Progress.
func (p *Proving) Report(e verify.Event) {
	p.Lock()
	defer p.Unlock()
	p.last = e
	name := e.Lab + "/" + e.Step + "  " + e.Answer
	if !e.Ended {
		p.open = append(p.open, name)
		return
	}
	for i, open := range p.open {
		if open == name {
			p.open = append(p.open[:i:i], p.open[i+1:]...)
			break
		}
	}
	if p.live && e.Passed {
		return
	}
	p.clear()
	sign := p.screen.paint(green, "✓")
	if !e.Passed {
		sign = p.screen.paint(red, "✗")
	}
	line := fmt.Sprintf("%5.1f s  %s", e.Elapsed.Seconds(), Plain(name))
	if !p.live {
		line = fmt.Sprintf("%d/%d  %s", e.Done, e.All, line)
	}
	fmt.Fprintln(p.out, sign+" "+line)
}

func (p *Proving) soFar(now time.Time) string {
	line := fmt.Sprintf(p.screen.say("… %s  %d of %d answers", "… %s  %[3]d 件中 %[2]d 件"), clock(now.Sub(p.began)), p.last.Done, p.last.All)
	if p.last.Disagree > 0 {
		line += fmt.Sprintf(p.screen.say(", %d wrong", "、うち問題 %d 件"), p.last.Disagree)
	}
	if len(p.open) > 0 {
		line += "  " + Plain(strings.Join(p.open, ", "))
	}
	// There is room for the ^C that a terminal echoes.
	return ansi.Truncate(line, p.screen.columns()-3, "…")
}
