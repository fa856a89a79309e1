package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// authoringGuide is the guide whose commands the scripts run.
const authoringGuide = "../../docs/authoring.md"

// guideCommand is one command of a guide, or one block of commands.
type guideCommand struct {
	line int
	text string
	// shown is the output that the guide shows; it is compared with the command's only if compared is true.
	shown    []string
	compared bool
	// mayFail: the guide asks for the exit code next.
	mayFail bool
}

// guideSection is the content below a heading.
type guideSection struct {
	title    string
	commands []guideCommand
}

// readGuide returns the sections of a guide in order, without those that have no commands. Blocks of sh are run as they
// are. In a console block, the lines that begin with "$ " are run, and the other lines are compared with the output.
func readGuide(file string) ([]guideSection, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var sections []guideSection
	fence := ""
	for i, line := range strings.Split(string(data), "\n") {
		switch title, heading := strings.CutPrefix(line, "## "); {
		case fence == "" && heading:
			sections = append(sections, guideSection{title: title})
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = line
			if line == "```sh" {
				last := &sections[len(sections)-1]
				last.commands = append(last.commands, guideCommand{line: i + 2})
			}
		case line == "```":
			fence = ""
		case fence == "```sh" || fence == "```console":
			if err := sections[len(sections)-1].take(i+1, line, fence == "```sh"); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(sections, func(s guideSection) bool { return len(s.commands) == 0 }), nil
}

// take adds a line of a block.
func (s *guideSection) take(number int, line string, block bool) error {
	typed, command := strings.CutPrefix(line, "$ ")
	switch {
	case block:
		s.commands[len(s.commands)-1].text += line + "\n"
	case command:
		if typed == "echo $?" && len(s.commands) > 0 {
			s.commands[len(s.commands)-1].mayFail = true
		}
		s.commands = append(s.commands, guideCommand{line: number, text: typed + "\n", compared: true})
	case len(s.commands) == 0:
		return fmt.Errorf("line %d: a console block begins with a command", number)
	default:
		last := &s.commands[len(s.commands)-1]
		last.shown = append(last.shown, line)
	}
	return nil
}

// guide runs sections of docs/authoring.md in one shell: guide SECTION... Without arguments it runs all of them.
func guide(ts *testscript.TestScript, neg bool, titles []string) {
	if neg {
		ts.Fatalf("usage: guide [SECTION...]")
	}
	sections, err := readGuide(authoringGuide)
	ts.Check(err)
	commands, err := commandsOf(sections, titles)
	ts.Check(err)
	dir, err := os.MkdirTemp(ts.MkAbs("."), ".guide-")
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "guide.sh"), guideScript(dir, commands), 0o600))
	failed := ts.Exec("sh", filepath.Join(dir, "guide.sh"))
	for i, c := range commands {
		said, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			break
		}
		ts.Logf("[authoring.md:%d] $ %s%s", c.line, c.text, said)
		if c.compared && !likeShown(c.shown, string(said)) {
			ts.Fatalf("authoring.md:%d shows something else:\n%s", c.line, strings.Join(c.shown, "\n"))
		}
	}
	ts.Check(failed)
}

// commandsOf returns the commands of the sections with the titles, or of all sections if there are no titles.
func commandsOf(sections []guideSection, titles []string) ([]guideCommand, error) {
	var commands []guideCommand
	missing := slices.Clone(titles)
	for _, s := range sections {
		if len(titles) == 0 || slices.Contains(titles, s.title) {
			commands = append(commands, s.commands...)
		}
		missing = slices.DeleteFunc(missing, func(title string) bool { return title == s.title })
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the guide has no sections %q with commands", missing)
	}
	return commands, nil
}

// guideScript runs the commands one by one, as if typed, and ends at the first that fails.
func guideScript(dir string, commands []guideCommand) []byte {
	var b strings.Builder
	b.WriteString("code=0\n")
	for i, c := range commands {
		if !c.compared {
			fmt.Fprintf(&b, "set -e\n{\n%s} >%s/%d 2>&1\nset +e\ncode=0\n", c.text, dir, i)
			continue
		}
		fmt.Fprintf(&b, "(exit $code)\n{\n%s} >%s/%d 2>&1\ncode=$?\n", c.text, dir, i)
		if !c.mayFail {
			b.WriteString("[ $code = 0 ] || exit $code\n")
		}
	}
	return []byte(b.String())
}

// likeShown reports whether the output is the one that a guide shows; a line […] stands for any lines.
func likeShown(shown []string, said string) bool {
	pattern := `\A`
	for _, line := range shown {
		if line == "[…]" {
			pattern += `(?:.*\n)*`
			continue
		}
		pattern += regexp.QuoteMeta(line) + `\n`
	}
	return regexp.MustCompile(pattern + `\z`).MatchString(said)
}

func TestAGuideIsComparedLineByLine(t *testing.T) {
	for _, c := range []struct {
		shown []string
		said  string
		want  bool
	}{
		{nil, "", true},
		{nil, "something\n", false},
		{[]string{"a.b"}, "a.b\n", true},
		{[]string{"a.b"}, "axb\n", false},
		{[]string{"a", "[…]"}, "a\nb\nc\n", true},
		{[]string{"a", "[…]"}, "a\n", true},
		{[]string{"a", "[…]", "c"}, "a\nb\n", false},
	} {
		if got := likeShown(c.shown, c.said); got != c.want {
			t.Errorf("%q shown as %q: %v, want %v", c.said, c.shown, got, c.want)
		}
	}
}

// TestEveryCommandOfTheGuideIsRun finds sections whose commands no script runs.
func TestEveryCommandOfTheGuideIsRun(t *testing.T) {
	sections, err := readGuide(authoringGuide)
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, pattern := range []string{"testdata/script/*", "testdata/script/cluster/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil {
				scripts.Write(data)
			}
		}
	}
	commands := 0
	for _, s := range sections {
		commands += len(s.commands)
		if !strings.Contains(scripts.String(), "'"+s.title+"'") && !regexp.MustCompile(`(?m)^guide$`).MatchString(scripts.String()) {
			t.Errorf("no script runs the section %s", s.title)
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands were found", commands)
	}
}
