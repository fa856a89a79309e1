// Package githubactions writes annotations for GitHub Actions, which shows them beside the lines of a pull request. It
// owns the rules by which a workflow command is escaped and its file named. It must not know what an annotation is
// about: its callers decide what to report.
//
// Start reading at [Annotation].
package githubactions
