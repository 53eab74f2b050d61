// The role for TXT records, given on one zone.

param name string
param roleDefinitionId string
param writers string[]

resource zone 'Microsoft.Network/dnsZones@2018-05-01' existing = {
  name: name
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in writers: {
  name: guid(zone.id, principal, roleDefinitionId)
  scope: zone
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}]
