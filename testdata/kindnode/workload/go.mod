module k8slab.dev/kindnode/workload

go 1.26
