// Where telemetry goes. Application Insights takes it from identities only: its connection string is no secret then.

param name string
param workspaceName string
param location string
param tags object
@minValue(30)
@maxValue(730)
@description('Days that telemetry is kept. An onboarding lives for weeks.')
param retentionDays int
@description('GB a day after which no more is taken until the next day: a runaway log costs this much and not more.')
param dailyCapGb int
@description('Principals that may send telemetry.')
param publishers string[]

var roles = loadJsonContent('../built-in-roles.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyCapGb
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in publishers: {
  name: guid(insights.id, principal, roles['Monitoring Metrics Publisher'])
  scope: insights
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Monitoring Metrics Publisher'])
  }
}]

output workspaceId string = workspace.id
output insightsId string = insights.id
output connectionString string = insights.properties.ConnectionString
