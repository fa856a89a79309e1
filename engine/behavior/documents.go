package behavior

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	yamldocuments "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// APIVersion marks the documents of this package.
const APIVersion = "k8slab.dev/v1alpha1"

// documentKind is a kind of document that declares behaviour.
type documentKind struct {
	name string
	// check reads the documents of the kind and says what is wrong with them.
	check func(parts ...[]byte) error
}

// documentKinds is the list of all kinds of documents, each with a file of its own.
func documentKinds() []documentKind {
	return []documentKind{
		{WorkloadKind, checkWith(Decode)},
		{ClientKind, checkWith(DecodeClients)},
	}
}

func checkWith[T any](decode func(parts ...[]byte) (T, error)) func(parts ...[]byte) error {
	return func(parts ...[]byte) error {
		_, err := decode(parts...)
		return err
	}
}

// Is reports whether an object of this version and kind is declared behaviour rather than one of the API's.
func Is(apiVersion, kind string) bool {
	named := func(k documentKind) bool { return k.name == kind }
	return apiVersion == APIVersion && slices.ContainsFunc(documentKinds(), named)
}

// Check returns what is wrong with documents of any kind of behaviour.
func Check(parts ...[]byte) error {
	var errs []error
	for _, k := range documentKinds() {
		errs = append(errs, k.check(parts...))
	}
	return errors.Join(errs...)
}

// documentType says what a document declares. Both are empty if it does not say.
type documentType metav1.TypeMeta

func (t documentType) isBehavior() bool { return Is(t.APIVersion, t.Kind) }

// eachDocument calls f for every document that is not empty, counted from 1.
func eachDocument(parts [][]byte, f func(number int, of documentType, data []byte)) error {
	number := 0
	for _, part := range parts {
		reader := yamldocuments.NewYAMLReader(bufio.NewReader(bytes.NewReader(part)))
		for {
			data, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read declared behaviour: %w", err)
			}
			if len(bytes.TrimSpace(data)) == 0 {
				continue
			}
			number++
			var of documentType
			_ = yaml.Unmarshal(data, &of) // decodeDocument says what is wrong with the document
			f(number, of, data)
		}
	}
	return nil
}

// document is how behaviour is written, with the spec of its kind.
type document[S any] struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec S `json:"spec"`
}

// decodeDocument reads one document strictly.
func decodeDocument[S any](data []byte) (document[S], error) {
	var d document[S]
	err := yaml.UnmarshalStrict(data, &d)
	return d, err
}
