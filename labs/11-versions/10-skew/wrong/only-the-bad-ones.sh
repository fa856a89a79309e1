# fails: labelled
# No news is no answer: who reads the labels cannot tell a good node from one that nobody looked at.
set -eu
kubectl label nodes blue-1 green-2 skew=bad
