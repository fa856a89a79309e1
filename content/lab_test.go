package content_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/content"
)

const validLab = `id: 11-first
title: {en: First, ja: 最初}
summary: {en: A lab., ja: ラボです。}
minutes: 30
needs: [10-kubectl]
learn:
  - title: {en: AKS, ja: AKS}
    url: https://learn.microsoft.com/training/
exams: [CKA Workloads]
cluster:
  release: "1.37"
  nodes:
    - {name: worker-1, zone: z1, pool: apps}
    - {name: worker-2, zone: z2, pool: apps, version: "1.36"}
requires: [audit-log]
`

const validStep = `points: 10
checks:
  - id: cordoned
    use: node/cordoned
    title: {en: closed, ja: 閉まっている}
    with: {node: worker-1}
  - id: drained
    use: node/drained
    title: {en: empty, ja: 空である}
    with: {node: worker-1}
    after: [cordoned]
invariants:
  - id: nodes-kept
    use: node/exists
    title: {en: kept, ja: 残っている}
    with: {nodes: [worker-1]}
hints:
  - cost: 0
  - cost: 4
`

const validEnglish = `---
title: Drain
---

Read this.

# A heading of its own

` + "```sh\n# Look around.\nkubectl get nodes\n```" + `

## Your task {#task}

Do it.

## Hint 1 {#hint-1}

Think.

## Hint 2 {#hint-2}

Think more.

## What happened {#debrief}

It worked.

## Note {#note-embedded}

It is simulated.
`

const validJapanese = `---
title: ドレイン
---

読んでください。

# ここだけの見出し

` + "```sh\n# 見てみましょう。\n\nkubectl get nodes\n```" + `

## 課題 {#task}

やってみましょう。

## ヒント 1 {#hint-1}

考えましょう。

## ヒント 2 {#hint-2}

もっと考えましょう。

## 何が起きたか {#debrief}

うまくいきました。

## 補足 {#note-embedded}

シミュレーションです。
`

const validObject = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
`

// validFiles is a lab without a fault, in the folder 11-first.
func validFiles() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"lab.yaml":                     validLab,
		"setup/00-namespace.yaml":      validObject,
		"10-drain/step.yaml":           validStep,
		"10-drain/en.md":               validEnglish,
		"10-drain/ja.md":               validJapanese,
		"10-drain/setup/web.yaml":      "# two objects\n" + validObject + "---\n" + validObject,
		"10-drain/solution.sh":         "set -eu\nkubectl drain worker-1\n",
		"10-drain/also-right/other.sh": "kubectl cordon worker-1\n",
		"10-drain/wrong/idle.sh":       "# fails: drained\nkubectl cordon worker-1\n",
	} {
		files["11-first/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// change is a mistake that an author makes in a valid lab.
type change func(fstest.MapFS)

// write replaces a file of the lab.
func write(name, text string) change {
	return func(files fstest.MapFS) { files["11-first/"+name] = &fstest.MapFile{Data: []byte(text)} }
}

// edit replaces text within a file of the lab, once.
func edit(name, before, after string) change {
	return func(files fstest.MapFS) {
		text := string(files["11-first/"+name].Data)
		if !strings.Contains(text, before) {
			panic(name + " does not contain " + before)
		}
		write(name, strings.Replace(text, before, after, 1))(files)
	}
}

func remove(name string) change {
	return func(files fstest.MapFS) { delete(files, "11-first/"+name) }
}

// copyStep puts a copy of the step into another folder.
func copyStep(dir string) change {
	return func(files fstest.MapFS) {
		for name, file := range maps.Clone(files) {
			if rest, ok := strings.CutPrefix(name, "11-first/10-drain/"); ok {
				files["11-first/"+dir+"/"+rest] = file
			}
		}
	}
}

func inStep(before, after string) change { return edit("10-drain/step.yaml", before, after) }
func inLab(before, after string) change  { return edit("lab.yaml", before, after) }

// loadErrors loads the lab with the changes and returns all that is wrong with it.
func loadErrors(t *testing.T, changes ...change) content.Errors {
	t.Helper()
	files := validFiles()
	for _, c := range changes {
		c(files)
	}
	_, err := content.Load(files, "11-first")
	if err == nil {
		return nil
	}
	wrong, ok := errors.AsType[content.Errors](err)
	if !ok {
		t.Fatalf("the error is no content.Errors but %T: %v", err, err)
	}
	return wrong
}
