package labs

import (
	"embed"
	"io/fs"
)

// FS returns the labs, one folder each.
func FS() fs.FS { return folders }

// The folder of a lab begins with a number, so that a new one is embedded without being named here. Embedding leaves
// out files that begin with a dot or an underscore.
//
//go:embed [0-9]*
var folders embed.FS
