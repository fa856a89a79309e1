package history

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	// mostFields is how many fields of a patch are remembered.
	mostFields = 12
	// deepestField is how many names deep the fields are followed.
	deepestField = 6
)

// asked returns the fields that the body of a patch names, and whether it cordons a node; nil if it says nothing of
// that. A JSON patch is a list, a merge patch of any kind an object. Values are not kept, since they may be anything.
func asked(raw []byte) (fields []string, cordons *bool) {
	var operations []struct {
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	if json.Unmarshal(raw, &operations) == nil {
		for _, o := range operations {
			path := strings.ReplaceAll(strings.Trim(o.Path, "/"), "/", ".")
			fields = append(fields, path)
			if path == unschedulable {
				on, _ := o.Value.(bool) // its removal has no value
				cordons = &on
			}
		}
		return fields[:min(len(fields), mostFields)], cordons
	}
	var merge map[string]any
	if json.Unmarshal(raw, &merge) != nil {
		return nil, nil
	}
	fields = leaves(merge, "", nil)
	slices.Sort(fields)
	if spec, ok := merge["spec"].(map[string]any); ok {
		if value, said := spec["unschedulable"]; said {
			on, _ := value.(bool) // null ends a cordon, as false does
			cordons = &on
		}
	}
	return fields[:min(len(fields), mostFields)], cordons
}

const unschedulable = "spec.unschedulable"

// leaves adds the paths of all fields that the object sets, without the directives of a strategic merge patch.
func leaves(object map[string]any, prefix string, to []string) []string {
	for name, value := range object {
		path := prefix + name
		inner, deeper := value.(map[string]any)
		switch {
		case strings.HasPrefix(name, "$"):
		case deeper && len(inner) > 0 && strings.Count(path, ".") < deepestField:
			to = leaves(inner, path+".", to)
		default:
			to = append(to, path)
		}
	}
	return to
}
