// What the steps may do in zones of Azure DNS, those of one subscription: read the zone, and read and write its TXT record sets. Not delete: a
// write could empty a set all the same, and that none does is the application's own guard.

targetScope = 'subscription'

@description('Resource ids of the zones, which are in this subscription.')
param zoneIds string[]
@description('Principals that add TXT records.')
param writers string[]
@description('People make all changes: the role has the actions that read, and no others.')
param onlyReads bool

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
        actions: filter(role.actions, action => !onlyReads || endsWith(action, '/read'))
        notActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

module zone 'dns-zone.bicep' = [for zoneId in zoneIds: {
  name: 'dns-zone-${uniqueString(zoneId)}'
  scope: resourceGroup(split(zoneId, '/')[4])
  params: {
    name: last(split(zoneId, '/'))
    roleDefinitionId: definition.id
    writers: writers
  }
}]
