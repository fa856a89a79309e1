// Package content turns the folder of a lab into plain values, and says what is wrong with it.
//
// It owns the format: which files a lab has, which fields they hold, how a lesson is divided into sections, and what
// the English and the Japanese lesson must have in common. It reads any fs.FS: the labs in the binary, a directory, a
// git repository. It must not know clusters, Kubernetes types, checks or the screen: what a check's parameters mean is
// decided by whoever calls [Params.Decode].
//
// A lab is text by strangers, and it ends up on a learner's terminal and in a learner's cluster. Reading one therefore
// runs nothing, follows no link, and refuses what a terminal or a parser would make more of than what it looks like:
// control characters, YAML aliases, huge files.
//
// Start reading at [Load], then types.go for what comes out, decode.go for the strict YAML, and lessons.go for the
// Markdown. Whatever is wrong comes back as [Errors], all of it at once. [Renamed] is a lab with other names of nodes,
// and schema.go describes the files to editors.
//
// # Lessons
//
// A lesson begins with front matter that holds its title. The text up to the first heading with an anchor is the
// introduction; each level-2 heading with an anchor begins a section:
//
//	## Your task {#task}             required
//	## Hint 1 {#hint-1}              one for each hint in step.yaml, in order
//	## What happened {#debrief}      required
//	## Note {#note-embedded}         optional, also note-kind and note-aks
//
// In a [Lesson], the task, the debrief and the notes keep their heading, without its anchor; hints are stored without
// their heading, because whoever shows them counts them.
package content
