# fails: one-per-pod
# The evictions go through, because checkout's budget guards nobody: expectedPods is 0.
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"chekcout"}}}}'
