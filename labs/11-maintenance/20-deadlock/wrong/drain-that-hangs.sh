# fails: eviction-allowed
# Patience does not help: two healthy pods, two to be kept, none to spare.
set -eu
! kubectl drain worker-3 --ignore-daemonsets --timeout=3s
