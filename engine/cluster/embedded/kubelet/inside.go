package kubelet

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// inside is what commands in the container find, but for the files of its machine.
func inside(pod *corev1.Pod, c container) command.Place {
	hostname := pod.Spec.Hostname
	if hostname == "" {
		hostname = pod.Name
	}
	if pod.Spec.HostNetwork {
		hostname = pod.Spec.NodeName
	}
	vars := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + hostname}
	for _, v := range c.Env {
		if value, ok := variable(pod, v); ok {
			vars = append(vars, v.Name+"="+value)
		}
	}
	return command.Place{
		Pod: pod, Spec: c.Container, Hostname: hostname, Env: append(vars, "HOME=/root"), User: linuxUser(pod, c.Container),
	}
}

// variable returns a variable's value; those from ConfigMaps and Secrets are not read.
func variable(pod *corev1.Pod, v corev1.EnvVar) (string, bool) {
	if v.ValueFrom == nil {
		return v.Value, true
	}
	if v.ValueFrom.FieldRef == nil {
		return "", false
	}
	values := map[string]string{
		"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "metadata.uid": string(pod.UID),
		"spec.nodeName": pod.Spec.NodeName, "spec.serviceAccountName": pod.Spec.ServiceAccountName,
		"status.hostIP": pod.Status.HostIP, "status.podIP": pod.Status.PodIP,
	}
	value, ok := values[v.ValueFrom.FieldRef.FieldPath]
	return value, ok
}
