// Package object has the checks of any object, whatever its kind: an expression in CEL, the identity of objects, and
// who wrote a status.
//
// It must not know other subjects. cel.go judges and cel_environment.go compiles and evaluates, with the libraries and
// the cost limit of the API server; missing fields are the learner's, and everything else that cannot be evaluated is
// the author's.
//
// Start reading at Definitions.
package object
