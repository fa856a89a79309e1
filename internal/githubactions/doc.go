// Package githubactions writes annotations for GitHub Actions, which shows them beside the lines of a pull request. It owns
// the rules by which a workflow command is escaped and its file named; what there is to say is its callers' business.
//
// Start at [Annotation].
package githubactions
