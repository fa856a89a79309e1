// Package pod has the checks of how single pods left: by eviction or deletion, and by themselves or by SIGKILL.
//
// It must not know other subjects. Both checks retell the audit log, and ask the record of the cluster as well where
// there is one.
//
// Start reading at Definitions.
package pod
