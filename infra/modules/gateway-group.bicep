// The gateway role, given on the resource group of the gateways.

param roleDefinitionId string
param writers string[]

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in writers: {
  name: guid(resourceGroup().id, principal, roleDefinitionId)
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}]
