// What the steps may do in one zone of Azure DNS: read the zone, and read and write its TXT record sets. Not delete: a
// write could empty a set all the same, and that none does is the application's own guard.

targetScope = 'subscription'

@description('Resource id of the zone, which is in this subscription.')
param zoneId string
@description('Principals that add TXT records.')
param writers string[]

var here = subscription().id
var ownRoles = filter(loadJsonContent('../../onboarding/azure/permissions.json').azureRoles, role => contains(role, 'actions'))
var role = any(filter(ownRoles, one => one.scope == 'dnsZone')[0])

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, 'operator-connect-onboarding', 'txt-records')
  properties: {
    roleName: replace(role.role, '{subscription}', subscription().subscriptionId)
    description: 'Reads a DNS zone, reads and writes its TXT record sets, and nothing else.'
    type: 'CustomRole'
    permissions: [
      {
        actions: role.actions
        notActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

module zone 'dns-zone.bicep' = {
  name: 'dns-zone-${uniqueString(zoneId)}'
  scope: resourceGroup(split(zoneId, '/')[4])
  params: {
    name: last(split(zoneId, '/'))
    roleDefinitionId: definition.id
    writers: writers
  }
}
