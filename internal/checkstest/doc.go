// Package checkstest tries the checks of a subject on a real cluster, as labs use them: bound by name, with parameters
// in YAML, as the grader, until nothing is pending, while the real kubectl does what a learner would do.
//
// It owns the cluster that the stories of one test package share, what a story can do and ask there, and the comparison
// of what each check asks its Env for with what its definition declares. It must not know any check: a subject hands in
// its definitions.
//
// Start reading at Run. world.go has the cluster, scene.go what a story does and demands, manifests.go what it is made
// of, and needs.go the comparison.
package checkstest
