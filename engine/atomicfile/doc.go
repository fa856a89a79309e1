// Package atomicfile replaces files in one step, with github.com/google/renameio, and is the only package that does. A
// reader, also one that comes after a process was killed or a disk was full, finds the old file or the new one. After a
// power failure this holds for what [Write] and [Stream] wrote, as the content is on the disk before it gets the name;
// the old file may be back then.
//
// It must not know what is in the files, nor whose folders they are in.
package atomicfile
