package shell

import (
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Dialect is how a shell writes the setting of a variable.
type Dialect string

const (
	POSIX      Dialect = "sh"
	Fish       Dialect = "fish"
	PowerShell Dialect = "powershell"
)

// Dialects returns all of them, the most common one first.
func Dialects() []Dialect { return []Dialect{POSIX, Fish, PowerShell} }

// DialectOf returns the dialect of a program, which may be a path.
func DialectOf(program string) Dialect {
	switch filepath.Base(program) {
	case "fish":
		return Fish
	case "pwsh", "powershell":
		return PowerShell
	}
	return POSIX
}

// Lines returns the lines that set the lab's variables in a shell that reads them.
func (e Environment) Lines(d Dialect) string {
	return e.vars(d) + pathLine(d, e.Bin)
}

// vars returns the lines for all variables but PATH.
func (e Environment) vars(d Dialect) string {
	lines := setLine(d, kubeconfigVariable, e.Kubeconfig) + setLine(d, labVariable, e.Lab)
	if e.Lang != "" {
		lines += setLine(d, langVariable, string(e.Lang))
	}
	return lines
}

func setLine(d Dialect, name, value string) string {
	switch d {
	case Fish:
		return "set -gx " + name + " " + quoteFish(value) + ";\n"
	case PowerShell:
		return "$env:" + name + " = " + quotePowerShell(value) + "\n"
	default:
		return "export " + name + "=" + shellescape.Quote(value) + "\n"
	}
}

// pathLine returns the line that puts the folders first on PATH, and "" if there are none. An empty name is no folder.
func pathLine(d Dialect, dirs ...string) string {
	joined := joinPath(dirs...)
	if joined == "" {
		return ""
	}
	switch d {
	case Fish:
		var quoted strings.Builder
		for _, dir := range dirs {
			if dir != "" {
				quoted.WriteString(quoteFish(dir) + " ")
			}
		}
		return "set -gx PATH " + quoted.String() + "$PATH;\n"
	case PowerShell:
		return "$env:PATH = " + quotePowerShell(joined) + " + [IO.Path]::PathSeparator + $env:PATH\n"
	default:
		return "export PATH=" + shellescape.Quote(joined) + `:"$PATH"` + "\n"
	}
}

// quoteFish follows fish, where a backslash escapes a quote or a backslash within single quotes.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quotePowerShell follows PowerShell, where a single quote is doubled within single quotes.
func quotePowerShell(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
