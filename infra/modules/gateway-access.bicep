// What the application may do with gateways in Azure Resource Manager: read those of the subscription and their test
// lines, since one list call serves all waits in it; and write gateways and their test lines in one resource group.
//
// Microsoft decommissioned the resource provider Microsoft.VoiceServices in 2026. Azure refuses a custom role with an
// action that no provider knows, and whether it still knows these was not tried. So this is deployed only if a resource
// group of gateways is named.

targetScope = 'subscription'

param resourceGroupName string
@description('Principals that write gateways and test lines.')
param writers string[]
@description('Principals that only look.')
param readers string[]
@description('People make all changes: the role has the actions that read, and no others.')
param onlyReads bool

var here = subscription().id
// The roles of its own that the application needs stand where its other permissions do.
var ownRoles = filter(loadJsonContent('../../onboarding/azure/permissions.json').azureRoles, role => contains(role, 'actions'))
var gatewayRole = any(filter(ownRoles, role => role.scope == 'resourceGroup')[0])
var listRole = any(filter(ownRoles, role => role.scope == 'subscription')[0])

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, 'operator-connect-onboarding', 'gateways')
  properties: {
    // With the subscription's id: a role's name is unique in the tenant.
    roleName: replace(gatewayRole.role, '{subscription}', subscription().subscriptionId)
    description: 'Reads and writes communications gateways and their test lines, and nothing else.'
    type: 'CustomRole'
    permissions: [
      {
        actions: filter(gatewayRole.actions, action => !onlyReads || endsWith(action, '/read'))
        notActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

// Not Reader: that reads the settings of everything in the subscription.
resource listDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, 'operator-connect-onboarding', 'list-of-gateways')
  properties: {
    roleName: replace(listRole.role, '{subscription}', subscription().subscriptionId)
    description: 'Reads communications gateways and their test lines, and nothing else.'
    type: 'CustomRole'
    permissions: [
      {
        actions: listRole.actions
        notActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in readers: {
  name: guid(here, principal, listDefinition.id)
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: listDefinition.id
  }
}]

module group 'gateway-group.bicep' = {
  name: 'gateway-group'
  scope: resourceGroup(resourceGroupName)
  params: {
    roleDefinitionId: definition.id
    writers: writers
  }
}
