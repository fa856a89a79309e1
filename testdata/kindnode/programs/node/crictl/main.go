// Command crictl has the few subcommands of cri-tools that kind and kubeadm call, and those for a person who looks into
// a node: inspecti, images, pods, ps and info.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	endpoint = "unix:///run/containerd/containerd.sock"
	patience = 30 * time.Second
)

type client struct {
	images     cri.ImageServiceClient
	containers cri.RuntimeServiceClient
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := client{images: cri.NewImageServiceClient(conn), containers: cri.NewRuntimeServiceClient(conn)}
	usage := errors.New("usage: crictl inspecti IMAGE | images | pods | ps | info")
	if len(args) == 0 {
		return usage
	}
	switch args[0] {
	case "inspecti":
		return c.inspectImage(ctx, args[len(args)-1])
	case "images":
		return c.listImages(ctx)
	case "pods":
		return c.listPods(ctx)
	case "ps":
		return c.listContainers(ctx)
	case "info", "version", "--version":
		return c.version(ctx)
	}
	return usage
}

// imageStatus is the part of cri-tools' answer that kind reads.
type imageStatus struct {
	ID          string   `json:"id"`
	RepoTags    []string `json:"repoTags"`
	RepoDigests []string `json:"repoDigests"`
	Size        string   `json:"size"`
	Pinned      bool     `json:"pinned"`
}

func (c client) inspectImage(ctx context.Context, name string) error {
	answer, err := c.images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}})
	if err != nil {
		return err
	}
	image := answer.Image
	if image == nil {
		return fmt.Errorf("no such image %q present", name)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(map[string]imageStatus{"status": {
		ID: image.Id, RepoTags: image.RepoTags, RepoDigests: image.RepoDigests, Size: strconv.FormatUint(image.Size, 10), Pinned: image.Pinned,
	}})
}

func (c client) listImages(ctx context.Context) error {
	answer, err := c.images.ListImages(ctx, &cri.ListImagesRequest{})
	if err != nil {
		return err
	}
	for _, image := range answer.Images {
		fmt.Printf("%-70s %-20.19s %6.1f MB\n", strings.Join(image.RepoTags, ","), image.Id, float64(image.Size)/1e6)
	}
	return nil
}

func (c client) listPods(ctx context.Context) error {
	answer, err := c.containers.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	for _, pod := range answer.Items {
		fmt.Printf("%.13s %-12s %s/%s\n", pod.Id, strings.TrimPrefix(pod.State.String(), "SANDBOX_"), pod.Metadata.Namespace, pod.Metadata.Name)
	}
	return nil
}

func (c client) listContainers(ctx context.Context) error {
	answer, err := c.containers.ListContainers(ctx, &cri.ListContainersRequest{})
	if err != nil {
		return err
	}
	for _, one := range answer.Containers {
		state := strings.TrimPrefix(one.State.String(), "CONTAINER_")
		fmt.Printf("%.13s %-10s %-28s attempt=%d image=%s\n", one.Id, state, one.Metadata.Name, one.Metadata.Attempt, one.Image.Image)
	}
	return nil
}

func (c client) version(ctx context.Context) error {
	answer, err := c.containers.Version(ctx, &cri.VersionRequest{})
	if err != nil {
		return err
	}
	fmt.Println(answer.RuntimeName, answer.RuntimeVersion, answer.RuntimeApiVersion)
	return nil
}
