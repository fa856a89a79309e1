package githubactions

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Annotation is an error at a place in the repository. Zero fields are left out.
type Annotation struct {
	// File as [Runner.Path] names it.
	File string
	// Line and Column count from 1.
	Line, Column int
	Title        string
	Message      string
}

// String returns the workflow command, without a line break. See
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message; what is
// escaped and how is in packages/core/src/command.ts of github.com/actions/toolkit.
func (a Annotation) String() string {
	var properties []string
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, name+"="+escapeProperty(value))
		}
	}
	add("file", a.File)
	add("line", number(a.Line))
	add("col", number(a.Column))
	add("title", a.Title)
	command := "::error"
	if len(properties) > 0 {
		command += " " + strings.Join(properties, ",")
	}
	return command + "::" + escapeData(a.Message)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// Runner is what the environment says about GitHub Actions. The zero value is a machine outside of GitHub Actions.
type Runner struct {
	// Active: a workflow runs this process, so annotations are of use.
	Active bool
	// Workspace is the folder of the repository, or empty.
	Workspace string
}

// RunnerOf reads the environment. See
// https://docs.github.com/actions/reference/workflows-and-actions/variables#default-environment-variables.
func RunnerOf(getenv func(string) string) Runner {
	return Runner{Active: getenv("GITHUB_ACTIONS") == "true", Workspace: getenv("GITHUB_WORKSPACE")}
}

// Path returns the file, which is relative to the folder dir, relative to the workspace, as annotations want it. A file
// outside of the workspace keeps its name.
func (r Runner) Path(dir, file string) string {
	if r.Workspace == "" {
		return file
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	relative, err := filepath.Rel(r.Workspace, file)
	if err != nil || relative == ".." || strings.HasPrefix(relative, "../") {
		return file
	}
	return relative
}
