package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/manifest"
	"github.com/k8slab/k8slab/engine/seed"
)

// setupDocument is one YAML document of a starting state, with its place.
type setupDocument struct {
	lab  *content.Lab
	file string
	root *yaml.Node
	// first is, for a behaviour, the earlier behaviour of the same kind and name; nil if there is none.
	first *setupDocument
}

// setupDocuments returns the documents of the set-up of the lab and of its steps. It leaves out files that are not
// YAML, which package content reports.
func setupDocuments(lab *content.Lab) []setupDocument {
	shared := documentsOf(lab, lab.Setup)
	all := slices.Clone(shared)
	for _, step := range lab.Steps {
		own := documentsOf(lab, step.Setup)
		pointAtTwins(slices.Concat(shared, own), own)
		all = append(all, own...)
	}
	pointAtTwins(shared, all[:len(shared)])
	return all
}

func documentsOf(lab *content.Lab, files []content.File) []setupDocument {
	var all []setupDocument
	for _, file := range files {
		decoder := yaml.NewDecoder(bytes.NewReader(file.Data))
		for {
			var node yaml.Node
			if err := decoder.Decode(&node); err != nil {
				break // the end of the file, or not YAML
			}
			if len(node.Content) > 0 && node.Content[0].Kind == yaml.MappingNode {
				all = append(all, setupDocument{lab: lab, file: file.Path, root: node.Content[0]})
			}
		}
	}
	return all
}

// pointAtTwins sets first on each behaviour in of that has the kind and name of an earlier behaviour in all.
func pointAtTwins(all, of []setupDocument) {
	for i := range of {
		if !of[i].isBehavior() {
			continue
		}
		for j := range all {
			if all[j].root == of[i].root {
				break
			}
			if all[j].isBehavior() && all[j].text("kind") == of[i].text("kind") && all[j].text("metadata", "name") == of[i].text("metadata", "name") {
				of[i].first = &all[j]
				break
			}
		}
	}
}

func (d setupDocument) isBehavior() bool { return behavior.Is(d.text("apiVersion"), d.text("kind")) }

// node returns the value at the path. If the path does not exist, it returns the value at the longest part of the path
// that does, and false.
func (d setupDocument) node(path ...string) (node *yaml.Node, whole bool) {
	node = d.root
	for _, name := range path {
		next := childNode(node, name)
		if next == nil {
			return node, false
		}
		node = next
	}
	return node, true
}

func childNode(node *yaml.Node, name string) *yaml.Node {
	if node.Kind == yaml.SequenceNode {
		for i, item := range node.Content {
			if fmt.Sprint(i) == name {
				return item
			}
		}
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

func (d setupDocument) text(path ...string) string {
	if node, whole := d.node(path...); whole && node.Kind == yaml.ScalarNode {
		return node.Value
	}
	return ""
}

// wrong is an error about the field, such as "spec.containers[0].image".
func (d setupDocument) wrong(field, problem, fix string) content.Error {
	node, _ := d.node(fieldNames(field)...)
	return content.Error{Position: d.lab.At(d.file, node.Line), Field: field, Problem: problem, Fix: fix}
}

func fieldNames(field string) []string {
	return strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// behaviorFaults says what is wrong with a declaration of how simulated workloads behave.
func (d setupDocument) behaviorFaults() content.Errors {
	if !d.isBehavior() {
		return nil
	}
	raw, err := yaml.Marshal(d.root)
	if err == nil {
		err = behavior.Check(raw)
	}
	wrong := d.faults(err)
	if d.first != nil {
		place := d.lab.At(d.first.file, d.first.root.Line)
		wrong = append(wrong, d.wrong("metadata.name", fmt.Sprintf("the %s of %s has the same name", d.text("kind"), place), "choose another one"))
	}
	return wrong
}

// objectFaults says what is wrong with an object of a kind that Kubernetes itself defines. Other kinds only the cluster
// knows.
func (d setupDocument) objectFaults() content.Errors {
	gv, err := schema.ParseGroupVersion(d.text("apiVersion"))
	if err != nil || d.isBehavior() || !scheme.Scheme.Recognizes(gv.WithKind(d.text("kind"))) {
		return nil
	}
	raw, err := yaml.Marshal(d.root)
	if err == nil {
		strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})
		_, _, err = strict.Decode(raw, nil, nil)
	}
	return d.faults(err)
}

// policyFaults says why the object would be refused in a lab from a source (seed.Permit).
func (d setupDocument) policyFaults() content.Errors {
	raw, err := yaml.Marshal(d.root)
	if err != nil || d.isBehavior() {
		return nil
	}
	objects, err := manifest.Parse(raw)
	if err != nil {
		return nil // objectFaults or the cluster reports that
	}
	var wrong content.Errors
	for _, o := range objects {
		if reach := seed.Reaches(o); !reach.IsZero() {
			wrong = append(wrong, d.wrong("kind", "a lab that others take from a source may not contain this "+d.text("kind")+": "+reach.EN, "leave it out or change it"))
		}
	}
	return wrong
}

var (
	// unknownField is how sigs.k8s.io/json and yaml say that there is no such field.
	unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)
	// wrongField is how encoding/json says that a value is of another type.
	wrongField = regexp.MustCompile(`cannot unmarshal (\S+) into Go struct field \S*?\.(\S+) of type (\S+)`)
)

// faults turns a decoder's error into errors, each with its place in the document.
func (d setupDocument) faults(err error) content.Errors {
	if err == nil {
		return nil
	}
	if all, ok := errors.AsType[utilerrors.Aggregate](err); ok {
		var wrong content.Errors
		for _, one := range all.Errors() {
			wrong = append(wrong, d.fault(one))
		}
		return wrong
	}
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		var wrong content.Errors
		for _, one := range strict.Errors() {
			wrong = append(wrong, d.fault(one))
		}
		return wrong
	}
	return content.Errors{d.fault(err)}
}

func (d setupDocument) fault(err error) content.Error {
	if e, ok := errors.AsType[*field.Error](err); ok {
		return d.wrong(e.Field, e.ErrorBody(), "correct the value")
	}
	if match := unknownField.FindStringSubmatch(err.Error()); match != nil {
		return d.unknown(match[1])
	}
	if match := wrongField.FindStringSubmatch(err.Error()); match != nil {
		return d.wrong(match[2], fmt.Sprintf("it is a %s", match[1]), "write a value of the type "+match[3])
	}
	return d.wrong("", err.Error(), "correct the document")
}

// unknown is the error about a field that does not exist. Some decoders give the path of the field, some only its name.
func (d setupDocument) unknown(field string) content.Error {
	e := d.wrong(field, "there is no such field in a "+d.text("kind"), "correct its name or place, or remove it")
	names := fieldNames(field)
	around := d.root
	if len(names) > 1 {
		around, _ = d.node(names[:len(names)-1]...)
	}
	if key := keyNamed(around, names[len(names)-1]); key != nil {
		e.Line = key.Line
	}
	return e
}

// keyNamed returns the first key of that name in the mapping or below it, or nil.
func keyNamed(node *yaml.Node, name string) *yaml.Node {
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i]
			}
		}
	}
	for _, inner := range node.Content {
		if key := keyNamed(inner, name); key != nil {
			return key
		}
	}
	return nil
}
