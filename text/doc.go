// Package text holds what k8slab says to people: a sentence in English and in Japanese, one formatter that fills in the
// same values in both, and the search for the word that was probably meant.
//
// It is a leaf: it imports nothing of this module, so that every layer can say something in both languages without
// bringing along how labs are read or how anything is shown.
//
// Start reading at Text and New.
package text
