package behavior

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Logging is what a container writes.
type Logging struct {
	// Logs are the lines that the application writes when it has started, instead of the usual ones.
	Logs Lines `json:"logs,omitempty"`
}

func (*Logging) validate(*field.Path) field.ErrorList { return nil }

// Lines are written in YAML as a list or as one text.
type Lines []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *Lines) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*l = strings.Split(strings.TrimRight(text, "\n"), "\n")
		return nil
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("want a text or a list of lines: %w", err)
	}
	*l = list
	return nil
}
