package cli

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/internal/scaffold"
	"github.com/k8slab/k8slab/labs"
	"github.com/k8slab/k8slab/text"
)

// schemaOf types k8slab schema and compiles the answer, as an editor does.
func schemaOf(t *testing.T, file, lang string) *jsonschema.Schema {
	t.Helper()
	out, errs, code := run(t, newPlayed(), []string{"LANG=" + lang}, "schema", file)
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d, stderr %q", code, errs)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("k8slab://"+file, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("k8slab://" + file)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// fits validates a YAML file.
func fits(t *testing.T, schema *jsonschema.Schema, data []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

func TestEveryLabFitsTheSchemasOfItsFiles(t *testing.T) {
	for _, lang := range text.Langs {
		schemas := map[string]*jsonschema.Schema{"lab.yaml": schemaOf(t, "lab", string(lang)), "step.yaml": schemaOf(t, "step", string(lang))}
		seen := 0
		err := fs.WalkDir(labs.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
			schema := schemas[path.Base(name)]
			if err != nil || schema == nil {
				return err
			}
			data, err := fs.ReadFile(labs.FS(), name)
			if err != nil {
				return err
			}
			seen++
			if err := fits(t, schema, data); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		})
		if err != nil || seen < 2 {
			t.Errorf("%d files were looked at: %v", seen, err)
		}
	}
}

func TestTheSchemaAndTheParserRefuseTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, new string
	}{
		"a field of a lab that does not exist":       {"lab.yaml", "minutes: 10", "minutes: 10\nminuets: 10"},
		"a field of a lab that is missing":           {"lab.yaml", "minutes: 10\n", ""},
		"a text in one language":                     {"lab.yaml", "  ja: 来客に備える\n", ""},
		"an empty title":                             {"lab.yaml", "  ja: 来客に備える\n", "  ja: ' '\n"},
		"a number that is a string":                  {"lab.yaml", "minutes: 10", "minutes: '10'"},
		"a number out of range":                      {"lab.yaml", "minutes: 10", "minutes: 601"},
		"a release without its quotes":               {"lab.yaml", `release: "1.37"`, "release: 1.37"},
		"a release with its patch":                   {"lab.yaml", `release: "1.37"`, `release: "1.37.2"`},
		"an id with capitals":                        {"lab.yaml", `id: "01-hello"`, "id: Hello"},
		"a node without a zone":                      {"lab.yaml", "zone: z1, ", ""},
		"no nodes":                                   {"lab.yaml", "  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n    - {name: worker-2, zone: z2, pool: apps}\n", "  nodes: []\n"},
		"a capability that does not exist":           {"lab.yaml", "minutes: 10", "minutes: 10\nrequires: [audit-lgo]"},
		"a capability twice":                         {"lab.yaml", "minutes: 10", "minutes: 10\nrequires: [audit-log, audit-log]"},
		"a link that is none":                        {"lab.yaml", "minutes: 10", "minutes: 10\nlearn: [{title: {en: a, ja: b}, url: 'http://a.test'}]"},
		"a null":                                     {"lab.yaml", "minutes: 10", "minutes: 10\nneeds:"},
		"a list that is a string":                    {"lab.yaml", "minutes: 10", "minutes: 10\nneeds: 01-lab"},
		"points out of range":                        {"10-scale/step.yaml", "points: 10", "points: 0"},
		"no checks":                                  {"10-scale/step.yaml", "checks:\n", "checks: []\nchex:\n"},
		"a capability of a step that does not exist": {"10-scale/step.yaml", "points: 10", "points: 10\nrequires: [audit-lgo]"},
		"a capability of a step twice":               {"10-scale/step.yaml", "points: 10", "points: 10\nrequires: [upgrades, upgrades]"},
		"a check that does not exist":                {"10-scale/step.yaml", "use: workload/available", "use: workload/unheard-of"},
		"a check without a use":                      {"10-scale/step.yaml", "    use: workload/available\n", ""},
		"a field of a check that does not exist":     {"10-scale/step.yaml", "after: [three-replicas]", "afther: [three-replicas]"},
		"a parameter that does not exist":            {"10-scale/step.yaml", "      kind: Deployment\n", "      kind: Deployment\n      knid: x\n"},
		"a parameter of another check":               {"10-scale/step.yaml", "      kind: Deployment\n", "      kind: Deployment\n      node: worker-1\n"},
		"a parameter that is missing":                {"10-scale/step.yaml", "      kind: Deployment\n", ""},
		"a parameter of another type":                {"10-scale/step.yaml", "      name: web\n", "      name: [web]\n"},
		"all parameters missing":                     {"10-scale/step.yaml", "    with:\n      kind: Deployment\n      namespace: practice\n      name: web\n", ""},
		"a parameter within a list of another type":  {"10-scale/step.yaml", "{kind: Deployment, namespace: practice, name: web}\n#", "web\n#"},
		"a hint that pays":                           {"10-scale/step.yaml", "cost: 3", "cost: -3"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			lab, err := scaffold.Lab(dir, "01-hello")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(lab, c.file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			schema := schemaOf(t, strings.TrimSuffix(filepath.Base(file), ".yaml"), "en")
			if err := fits(t, schema, data); err != nil {
				t.Fatalf("the lab does not fit before it is broken: %v", err)
			}
			broken := bytes.Replace(append(data, '#'), []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(broken, append(data, '#')) {
				t.Fatalf("there is no %q to replace", c.old)
			}
			if err := os.WriteFile(file, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := fits(t, schema, broken); err == nil {
				t.Error("the schema takes it")
			} else {
				t.Log(err)
			}
			wrong, err := catalog.Lint(os.DirFS(dir), "01-hello", all.Vocabulary(), false)
			if err != nil || len(wrong) == 0 {
				t.Errorf("the parser takes it: %v", err)
			}
		})
	}
}

func TestEveryFieldOfASchemaIsDescribedInBothLanguages(t *testing.T) {
	descriptions := map[text.Lang]map[string]string{}
	for _, lang := range text.Langs {
		descriptions[lang] = map[string]string{}
		lab, step := catalog.Schemas(lang, all.Vocabulary())
		describe(descriptions[lang], "lab", lab)
		describe(descriptions[lang], "step", step)
	}
	for field, en := range descriptions[text.English] {
		if ja := descriptions[text.Japanese][field]; !strings.HasSuffix(en, ".") || !strings.HasSuffix(ja, "。") {
			t.Errorf("%s is described as %q and %q, want a sentence in each language", field, en, ja)
		}
	}
	if len(descriptions[text.English]) < 50 {
		t.Errorf("only %d fields were looked at", len(descriptions[text.English]))
	}
}

// describe collects the descriptions of all fields below a schema.
func describe(all map[string]string, at string, s *content.Schema) {
	for name, field := range s.Properties {
		if name == "with" && field.Type == "object" && field.Properties != nil && field.Description == "" {
			describe(all, at+".with", field) // the parameters of one check
			continue
		}
		all[at+"."+name] = field.Description
		describe(all, at+"."+name, field)
	}
	if s.Items != nil {
		describe(all, at+"[]", s.Items)
	}
	for _, part := range s.AllOf {
		describe(all, at+":"+part.If.Properties["use"].Const, part.Then)
	}
}
