package kubelet

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

func TestPodsSeeTheFilesOfTheirMachineWhereTheyMountThem(t *testing.T) {
	plain := boundPod(nil)
	mounting := boundPod(func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "run", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/run"}}}}
		s.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "run", MountPath: "/sentinel"}}
	})
	privileged := boundPod(func(s *corev1.PodSpec) {
		s.HostPID = true
		s.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	})
	touched := []string{"/run/reboot-required"}
	tests := []struct {
		name    string
		pod     *corev1.Pod
		files   []string
		command string
		code    int
		stdout  string
	}{
		{"the file is listed in its folder", mounting, touched, "ls /sentinel", 0, "reboot-required\n"},
		{"and by its name", mounting, touched, "ls -l /sentinel/reboot-required", 0, "/sentinel/reboot-required\n"},
		{"it is empty", mounting, touched, "cat /sentinel/reboot-required", 0, ""},
		{"it is a file", mounting, touched, "test -f /sentinel/reboot-required", 0, ""},
		{"without it the folder is empty", mounting, nil, "ls /sentinel", 0, ""},
		{"and it is missed", mounting, nil, "cat /sentinel/reboot-required", 1, ""},
		{"also by test", mounting, nil, "[ -f /sentinel/reboot-required ]", 1, ""},
		{"a pod without the volume has no such folder", plain, touched, "ls /sentinel", 127, ""},
		{"a privileged one enters the machine, as Kured does", privileged, touched, "/usr/bin/nsenter -m/proc/1/ns/mnt -- /usr/bin/test -f /var/run/reboot-required", 0, ""},
		{"and finds nothing where nothing is", privileged, nil, "nsenter -t 1 -m test -f /var/run/reboot-required", 1, ""},
		{"another one may not", mounting, touched, "nsenter -t 1 -m ls /", 1, ""},
	}
	commands := command.NewSet(command.All()...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := containersOf(tt.pod)[0]
			where := inside(tt.pod, c)
			where.Host = command.HostFilesOf(tt.pod, c.Container, tt.files)
			if got := commands.Run(strings.Fields(tt.command), where, nil); got.Code != tt.code || got.Stdout != tt.stdout {
				t.Errorf("%s answered %+v", tt.command, got)
			}
		})
	}
}
