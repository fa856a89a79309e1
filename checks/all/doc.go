// Package all lists the subjects whose checks make up the vocabulary of k8slab. Nothing else imports a subject.
package all
