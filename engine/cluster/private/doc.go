// Package private keeps files and sockets of one cluster to the user: folders of mode 0700, files of mode 0600 that are
// replaced in one step, and unix sockets whose paths are short enough. Providers that keep state use it.
//
// It must not know what is in the files.
//
// Start reading at WriteFile and Socket.
package private
