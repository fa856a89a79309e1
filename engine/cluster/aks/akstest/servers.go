package akstest

import (
	"context"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	aks6 "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"
)

// servers returns the SDK's fake servers with this Azure's answers.
func (a *Azure) servers() *fake.ServerFactory {
	return &fake.ServerFactory{
		ManagedClustersServer:           a.managedClusters(),
		AgentPoolsServer:                a.agentPools(),
		MaintenanceConfigurationsServer: a.maintenance(),
	}
}

func (a *Azure) managedClusters() fake.ManagedClustersServer {
	return fake.ManagedClustersServer{
		Get: func(context.Context, string, string, *aks6.ManagedClustersClientGetOptions) (azfake.Responder[aks6.ManagedClustersClientGetResponse], azfake.ErrorResponder) {
			return outcome(a, "Get", func() (aks6.ManagedClustersClientGetResponse, error) {
				return aks6.ManagedClustersClientGetResponse{ManagedCluster: a.Cluster}, nil
			})
		},
		ListClusterUserCredentials: func(_ context.Context, _, name string, _ *aks6.ManagedClustersClientListClusterUserCredentialsOptions) (azfake.Responder[aks6.ManagedClustersClientListClusterUserCredentialsResponse], azfake.ErrorResponder) {
			return outcome(a, "ListClusterUserCredentials", func() (aks6.ManagedClustersClientListClusterUserCredentialsResponse, error) {
				file, further := a.Kubeconfigs[name]
				if !further {
					file = a.Kubeconfig
				}
				all, err := kubeconfig(file)
				return aks6.ManagedClustersClientListClusterUserCredentialsResponse{CredentialResults: aks6.CredentialResults{Kubeconfigs: all}}, err
			})
		},
		ListClusterAdminCredentials: func(context.Context, string, string, *aks6.ManagedClustersClientListClusterAdminCredentialsOptions) (azfake.Responder[aks6.ManagedClustersClientListClusterAdminCredentialsResponse], azfake.ErrorResponder) {
			return outcome(a, "ListClusterAdminCredentials", func() (aks6.ManagedClustersClientListClusterAdminCredentialsResponse, error) {
				all, err := kubeconfig(a.AdminKubeconfig)
				return aks6.ManagedClustersClientListClusterAdminCredentialsResponse{CredentialResults: aks6.CredentialResults{Kubeconfigs: all}}, err
			})
		},
		GetUpgradeProfile: func(context.Context, string, string, *aks6.ManagedClustersClientGetUpgradeProfileOptions) (azfake.Responder[aks6.ManagedClustersClientGetUpgradeProfileResponse], azfake.ErrorResponder) {
			return outcome(a, "GetUpgradeProfile", func() (aks6.ManagedClustersClientGetUpgradeProfileResponse, error) {
				return aks6.ManagedClustersClientGetUpgradeProfileResponse{ManagedClusterUpgradeProfile: aks6.ManagedClusterUpgradeProfile{
					Properties: &aks6.ManagedClusterUpgradeProfileProperties{ControlPlaneProfile: &aks6.ManagedClusterPoolUpgradeProfile{
						KubernetesVersion: to.Ptr("1.36.3"), Upgrades: []*aks6.ManagedClusterPoolUpgradeProfileUpgradesItem{
							{KubernetesVersion: to.Ptr("1.37.2"), IsPreview: to.Ptr(true)}, {KubernetesVersion: to.Ptr("1.36.10")}, {KubernetesVersion: to.Ptr("1.36.4")},
						},
					}},
				}}, nil
			})
		},
		ListKubernetesVersions: func(context.Context, string, *aks6.ManagedClustersClientListKubernetesVersionsOptions) (azfake.Responder[aks6.ManagedClustersClientListKubernetesVersionsResponse], azfake.ErrorResponder) {
			return outcome(a, "ListKubernetesVersions", func() (aks6.ManagedClustersClientListKubernetesVersionsResponse, error) {
				return aks6.ManagedClustersClientListKubernetesVersionsResponse{KubernetesVersionListResult: aks6.KubernetesVersionListResult{Values: []*aks6.KubernetesVersion{
					{Version: to.Ptr("1.37"), IsPreview: to.Ptr(true), PatchVersions: map[string]*aks6.KubernetesPatchVersion{"1.37.2": {}}},
					{Version: to.Ptr("1.36"), IsDefault: to.Ptr(true), PatchVersions: map[string]*aks6.KubernetesPatchVersion{"1.36.10": {}, "1.36.3": {}, "1.36.4": {}},
						Capabilities: &aks6.KubernetesVersionCapabilities{SupportPlan: []*aks6.KubernetesSupportPlan{to.Ptr(aks6.KubernetesSupportPlanKubernetesOfficial)}}},
				}}}, nil
			})
		},
	}
}

func (a *Azure) agentPools() fake.AgentPoolsServer {
	return fake.AgentPoolsServer{
		NewListPager: func(string, string, *aks6.AgentPoolsClientListOptions) azfake.PagerResponder[aks6.AgentPoolsClientListResponse] {
			return page(a, "AgentPools.List", aks6.AgentPoolsClientListResponse{AgentPoolListResult: aks6.AgentPoolListResult{Value: []*aks6.AgentPool{
				pool("system", aks6.AgentPoolModeSystem, 1), pool("apps", aks6.AgentPoolModeUser, 4),
			}}})
		},
		GetUpgradeProfile: func(context.Context, string, string, string, *aks6.AgentPoolsClientGetUpgradeProfileOptions) (azfake.Responder[aks6.AgentPoolsClientGetUpgradeProfileResponse], azfake.ErrorResponder) {
			return outcome(a, "AgentPools.GetUpgradeProfile", func() (aks6.AgentPoolsClientGetUpgradeProfileResponse, error) {
				return aks6.AgentPoolsClientGetUpgradeProfileResponse{AgentPoolUpgradeProfile: aks6.AgentPoolUpgradeProfile{
					Properties: &aks6.AgentPoolUpgradeProfileProperties{Upgrades: []*aks6.AgentPoolUpgradeProfilePropertiesUpgradesItem{{KubernetesVersion: to.Ptr("1.36.4")}}},
				}}, nil
			})
		},
	}
}

func pool(name string, mode aks6.AgentPoolMode, count int32) *aks6.AgentPool {
	return &aks6.AgentPool{Name: to.Ptr(name), Properties: &aks6.ManagedClusterAgentPoolProfileProperties{
		Mode: to.Ptr(mode), Count: to.Ptr(count), VMSize: to.Ptr("Standard_D4s_v5"), OSSKU: to.Ptr(aks6.OSSKUUbuntu), CurrentOrchestratorVersion: to.Ptr("1.36.3"),
		NodeImageVersion: to.Ptr("AKSUbuntu-2404gen2containerd-202611.07.0"), AvailabilityZones: []*string{to.Ptr("1"), to.Ptr("2"), to.Ptr("3")},
		EnableAutoScaling: to.Ptr(true), MinCount: to.Ptr(int32(1)), MaxCount: to.Ptr(int32(6)), ProvisioningState: to.Ptr("Succeeded"),
		PowerState:      &aks6.PowerState{Code: to.Ptr(aks6.CodeRunning)},
		UpgradeSettings: &aks6.AgentPoolUpgradeSettings{MaxSurge: to.Ptr("33%"), DrainTimeoutInMinutes: to.Ptr(int32(30)), NodeSoakDurationInMinutes: to.Ptr(int32(5))},
	}}
}

func (a *Azure) maintenance() fake.MaintenanceConfigurationsServer {
	day := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	return fake.MaintenanceConfigurationsServer{
		NewListByManagedClusterPager: func(string, string, *aks6.MaintenanceConfigurationsClientListByManagedClusterOptions) azfake.PagerResponder[aks6.MaintenanceConfigurationsClientListByManagedClusterResponse] {
			return page(a, "MaintenanceConfigurations.List", aks6.MaintenanceConfigurationsClientListByManagedClusterResponse{
				MaintenanceConfigurationListResult: aks6.MaintenanceConfigurationListResult{Value: []*aks6.MaintenanceConfiguration{
					{Name: to.Ptr("default"), Properties: &aks6.MaintenanceConfigurationProperties{
						TimeInWeek: []*aks6.TimeInWeek{{Day: to.Ptr(aks6.WeekDayMonday), HourSlots: []*int32{to.Ptr(int32(1)), to.Ptr(int32(2))}}},
					}},
					{Name: to.Ptr("aksManagedAutoUpgradeSchedule"), Properties: &aks6.MaintenanceConfigurationProperties{MaintenanceWindow: &aks6.MaintenanceWindow{
						Schedule:  &aks6.Schedule{Weekly: &aks6.WeeklySchedule{DayOfWeek: to.Ptr(aks6.WeekDaySunday), IntervalWeeks: to.Ptr(int32(2))}},
						StartTime: to.Ptr("02:00"), UTCOffset: to.Ptr("+09:00"), DurationHours: to.Ptr(int32(6)),
						NotAllowedDates: []*aks6.DateSpan{{Start: to.Ptr(day), End: to.Ptr(day.AddDate(0, 0, 10))}},
					}}},
				}},
			})
		},
	}
}
