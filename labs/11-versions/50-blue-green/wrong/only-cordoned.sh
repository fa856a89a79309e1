# fails: on-green
# A cordon moves nobody.
set -eu
kubectl cordon -l agentpool=blue
