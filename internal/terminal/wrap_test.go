package terminal

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/text"
)

func TestLines(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		width int
		want  []string
	}{
		{"nothing is one empty line", "", 10, []string{""}},
		{"English breaks at spaces", "one two three", 8, []string{"one two", "three"}},
		{"a line that fits exactly is not broken", "one two", 7, []string{"one two"}},
		{"flags are not torn at their hyphens", "use --ignore-daemonsets now", 20, []string{"use", "--ignore-daemonsets", "now"}},
		{"Japanese breaks between characters", "ノードを空にする", 8, []string{"ノードを", "空にする"}},
		{"a full stop never begins a line", "あいうえ。お", 8, []string{"あいう", "え。お"}},
		{"Japanese breaks before a Latin word, not in it", "これはkubectlです", 10, []string{"これは", "kubectlで", "す"}},
		{"a word that is too long breaks where Unicode allows it", "https://example.com/path", 12, []string{"https://", "example.com/", "path"}},
		{"a word without any such place breaks between characters", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"a character and its marks stay together", "ががが", 2, []string{"が", "が", "が"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lines(tt.text, tt.width, tt.width); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzLinesKeepTextAndWidth(f *testing.F) {
	f.Add("Kubernetesの PodDisruptionBudget は、drain --ignore-daemonsets から守ります。", 20)
	f.Add("a  b\u0301   👩‍👩‍👧 か゚", 3)
	f.Fuzz(func(t *testing.T, text string, width int) {
		text = strings.ReplaceAll(Plain(strings.ToValidUTF8(text, "")), "\n", " ")
		if width < 4 || width > 200 {
			return // no terminal is that wide
		}
		got := lines(text, width, width)
		for _, line := range got {
			if Width(line) > width && len([]rune(line)) > 1 && strings.Contains(line, " ") {
				t.Errorf("%q is %d columns wide, more than %d", line, Width(line), width)
			}
		}
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if squeeze(strings.Join(got, "")) != squeeze(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestColourDoesNotLeakOverLineEnds(t *testing.T) {
	got := wrapStyled("a \x1b[36mlong code\x1b[0m b", 6, "", "  ")
	if want := "a \x1b[36mlong\x1b[0m\n  \x1b[36mcode\x1b[0m\n  b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlainRemovesWhatATerminalActsOn(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mb\x1b[0m":              "ab",
		"\x1b]0;title\x07text":           "text",
		"bell\a back\b del\x7f c1\u009b": "bell back del c1",
		"left\u202eright\u2066":          "leftright",
		"line\r\nline\ttab":              "line\nline tab",
		string(rune(markHang)) + "mark":  "mark",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTableBecomesBlocksWhereItDoesNotFit(t *testing.T) {
	columns := []Column{{Title: "LAB"}, {Title: "TITLE", Wrap: true}, {Title: "POINTS"}, {Title: "CLUSTER"}}
	rows := [][]string{{"11-maintenance", "再起動の影響を抑える", "0/40", "running"}}
	wide, narrow := Screen{Width: 80}.Table(columns, rows), Screen{Width: 40}.Table(columns, rows)
	if strings.Count(wide, "\n") != 2 {
		t.Errorf("at 80 columns:\n%s", wide)
	}
	if !strings.Contains(narrow, "LAB      11-maintenance\n") || !strings.Contains(narrow, "TITLE    再起動の影響を抑える\n") {
		t.Errorf("at 40 columns:\n%s", narrow)
	}
	fits(t, wide, 80, false)
	fits(t, narrow, 40, false)
}

func TestPhasesWithoutTerminalWriteNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	p := NewPhases(Screen{Lang: text.Japanese}, &out, false)
	p.Report(cluster.Phase{Name: "control-plane"})
	p.Report(cluster.Phase{Name: "control-plane", Done: true, Elapsed: 2512 * time.Millisecond, Detail: "v1.37.2"})
	p.Report(cluster.Phase{Name: "nodes"})
	p.Close()
	if got, want := out.String(), "✓ コントロールプレーン      2.5 s  v1.37.2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// watched tells when something was written.
type watched struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.written <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func TestLiveLineShowsAPhaseThatTakesLongAndGoesAway(t *testing.T) {
	out := &watched{written: make(chan struct{}, 1)}
	p := NewPhases(Screen{Width: 40}, out, true)
	p.Report(cluster.Phase{Name: "nodes"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-out.written:
	case <-ctx.Done():
		t.Fatal("no live line in a minute")
	}
	p.Close()
	text := out.text.String()
	if !strings.HasPrefix(text, "\r\x1b[K… Nodes") || !strings.HasSuffix(text, "\r\x1b[K") || strings.Contains(text, "\n") {
		t.Errorf("got %q", text)
	}
}
