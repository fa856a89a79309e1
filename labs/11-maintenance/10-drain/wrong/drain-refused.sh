# fails: drained
# Without the flags, drain cordons the node, lists what is in its way, and evicts nothing.
set -eu
! kubectl drain worker-2 --ignore-daemonsets --timeout=30s
