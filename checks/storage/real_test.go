package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/storage"
	"github.com/k8slab/k8slab/internal/checkstest"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestOnARealCluster plays what learners do, right and wrong, with the real kubectl on a real control plane.
func TestOnARealCluster(t *testing.T) {
	checkstest.Run(t, storage.Definitions(),
		checkstest.Story{Name: "versions in which objects are stored", Play: storedVersions},
	)
}

const coupons = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: coupons.checks.test}
spec:
  group: checks.test
  scope: Namespaced
  names: {kind: Coupon, listKind: CouponList, plural: coupons, singular: coupon}
  versions:
  - {name: v1alpha1, served: true, storage: %v, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v1, served: true, storage: %v, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func storedVersions(t *testing.T, w *checkstest.World) {
	const (
		versions = "{name: coupons.checks.test, versions: [v1]}"
		migrated = "{group: checks.test, resource: coupons}"
		kept     = "{name: coupons.checks.test, kind: Coupon}"
		crd      = "crd/coupons.checks.test"
	)
	s := w.Begin(t, "stored", fmt.Sprintf(coupons, true, false))
	s.Kubectl("wait", "--for=condition=Established", crd, "--timeout=60s")
	coupon := "apiVersion: checks.test/v1\nkind: Coupon\nmetadata: {name: %s}\nspec: {percent: 10}\n"
	s.Apply(fmt.Sprintf(coupon, "one"))
	s.Apply(fmt.Sprintf(coupon, "two"))
	s.Apply(fmt.Sprintf(coupons, false, true))
	s.Include(schema.GroupVersionResource{Group: "checks.test", Version: "v1", Resource: "coupons"}, "stored", "one", "two")
	s.Env.Since = time.Now()

	s.Fails("crd/versions", versions, "spec.versions is [v1alpha1, v1], status.storedVersions is [v1alpha1, v1]")
	s.Fails("crd/versions", "{name: nothing.checks.test, versions: [v1]}", "nothing.checks.test")
	s.Fails("storage/migrated", migrated, "there is no StorageVersionMigration of coupons.checks.test")
	s.Passes("crd/objects-kept", kept)
	s.Apply("apiVersion: storagemigration.k8s.io/v1\nkind: StorageVersionMigration\nmetadata: {name: coupons-checks}\nspec: {resource: {group: checks.test, resource: coupons}}\n")
	if r, err := s.Once("storage/migrated", migrated); err != nil || r.Outcome != checks.Passed && r.Pending == "" {
		t.Errorf("the answer is %v, %v; want one that waits for the migration", checkstest.Tell(r), err)
	}
	// The controller looks again after twice the time of the last try, until the garbage collector, which reads every
	// 30 s what is served, has a copy of the coupons that is as new as the migration: sync in
	// pkg/controller/storageversionmigrator of Kubernetes.
	s.Kubectl("wait", "--for=condition=Succeeded", "storageversionmigration/coupons-checks", "--timeout=180s")
	s.Passes("storage/migrated", migrated)
	s.Fails("storage/migrated", "{group: checks.test, resource: others}", "there is no StorageVersionMigration")
	s.Kubectl("wait", "--for=jsonpath={.status.storedVersions[0]}=v1", crd, "--timeout=60s") // a moment after the migration has succeeded
	s.Fails("crd/versions", versions, "status.storedVersions is [v1]")
	s.Kubectl("patch", crd, "--type=json", `--patch=[{"op":"remove","path":"/spec/versions/0"}]`)
	s.Passes("crd/versions", versions)
	s.Passes("crd/objects-kept", kept)

	s.Kubectl("patch", "coupon", "one", "--type=merge", `--patch={"spec":{"percent":90}}`)
	s.Fails("crd/objects-kept", kept, "one was changed: spec.percent")
	s.Kubectl("delete", "coupon", "one")
	s.Fails("crd/objects-kept", kept, "one has been deleted")
	s.Apply(fmt.Sprintf(coupon, "one"))
	s.Fails("crd/objects-kept", kept, "made again")

	// What is stored in a version that is gone cannot be read.
	s.Apply(strings.ReplaceAll(fmt.Sprintf(coupons, false, true), "v1alpha1", "v2"))
	s.Apply(strings.ReplaceAll(fmt.Sprintf(coupons, true, false), "v1alpha1", "v2"))
	s.Kubectl("patch", crd, "--subresource=status", "--type=merge", `--patch={"status":{"storedVersions":["v2"]}}`)
	s.Kubectl("patch", crd, "--type=json", `--patch=[{"op":"remove","path":"/spec/versions/1"}]`)
	s.Fails("crd/objects-kept", kept, "cannot read what is stored", "convert")
	s.Apply(strings.ReplaceAll(fmt.Sprintf(coupons, true, false), "v1alpha1", "v2")) // or nobody could delete them
	s.Kubectl("delete", crd)
	s.Fails("crd/objects-kept", kept, "coupons.checks.test")
}
