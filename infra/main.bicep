// Everything that the application needs in one subscription: `azd up` deploys it. docs/deploy.md explains, with prices.

targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; names come from it.')
param environmentName string
@minLength(1)
@description('Region of everything. It must offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Python of the function app.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.12'
@description('Memory of an instance. 512 has a quarter of a core: enough, but slow to start.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048
@minValue(40)
@maxValue(1000)
@description('Instances of all functions together, at most.')
param maximumInstances int = 40
@minValue(0)
@description('Instances kept ready for pages and the API. 0: the first page after a pause takes some seconds.')
param alwaysReadyHttp int = 1

@description('Where people reach the application, if not by its name at azurewebsites.net: https://… without a slash.')
param publicUrl string = ''
@description('Client id of a registration that exists, if whoever deploys may not make one. Empty: it is made.')
param authClientId string = ''

@description('Resource group of the gateways. Empty: nothing is granted there.')
param gatewayResourceGroup string = ''
@description('Subscription of the gateways. Empty: this one.')
param gatewaySubscriptionId string = ''

@allowed(['application', 'administrator'])
@description('Who adds Project Synergy to the tenant, once: with administrator the steps need fewer permissions.')
param projectSynergyBy string = 'application'
@allowed(['application', 'people'])
@description('Who makes the changes at Microsoft: with people the identities only read, and each step shows commands.')
param changesBy string = 'application'

@secure()
@description('Webhook of a Teams workflow. Empty: nobody is told in Teams.')
param teamsWebhookUrl string = ''
@description('Where events go, for a program of one\'s own: https://… Empty: no program is told.')
param eventsUrl string = ''
@secure()
@description('What signs events: whsec_ and 24 to 64 random bytes in base64. Needed where there is an address.')
param eventsSecret string = ''
@secure()
@description('The secret before, while it is being replaced.')
param eventsSecretPrevious string = ''
@secure()
@description('The header Authorization as the receiver of events wants it.')
param eventsAuthorization string = ''
@description('Where your people read docs/runbook.md: what refusals and alerts point to. Empty: refusals to the application\'s own page.')
param runbookUrl string = ''
@description('One e-mail a day in place of single ones, for all onboardings; a request may choose it for itself.')
param dailyMail bool = false
@description('Mailbox that e-mail is sent from. Empty: no e-mail is sent.')
param mailSender string = ''
@description('Whom to tell of checkpoints that stay open, for requests that name nobody.')
param escalationEmail string = ''
@description('What people outside the tenant know you by: mail to them is in this name. Empty: the operator of the gateway.')
param operatorName string = ''
@description('Address at which people outside reach somebody: it is named to them, and answers go there. Empty: none.')
param operatorContact string = ''
@description('Subscription ids, or id/resource group, comma-separated, whose gateways the steps may change. Empty: any.')
param permittedSubscriptions string = ''
@description('Who may be made Operator Connect Admin, comma-separated: user names, object ids, @domain. Empty: any.')
param permittedAdminUsers string = ''
@description('Applications (client ids) that may be given roles of Project Synergy, comma-separated. Empty: any.')
param permittedApplications string = ''
@description('The domain that is added to the tenant is one of these, or below one, comma-separated. Empty: any.')
param permittedDomainSuffixes string = ''
@description('Zones of Azure DNS that TXT records are added to: resource ids, comma-separated. Empty: none is granted.')
param dnsZones string = ''
@description('DNS servers that take updates (RFC 2136), as JSON: docs/settings.md. Empty: none.')
param dnsServers string = ''
@secure()
@description('The secrets of their TSIG keys, as JSON: name of the key, and base64. Empty: none.')
param dnsKeys string = ''
@description('E-mail is sent to addresses of these domains, comma-separated. Empty: any.')
param permittedMailDomains string = ''
@description('Version of the link key before, while its links are still good.')
param linkKeyPreviousVersion string = ''

@description('Who is told of alerts, by e-mail. Empty: nobody.')
param alertEmail string = ''
@description('Resource id of an action group that is told of alerts too. Empty: none.')
param alertActionGroupId string = ''
@description('Days that telemetry is kept.')
param retentionDays int = 90
@description('GB of telemetry a day, at most.')
param dailyCapGb int = 2

@description('Copies of the records. ZRS outlives a data centre; GZRS a region.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param recordsSku string = 'Standard_ZRS'
@description('A deleted vault can then not be purged for 90 days. It can never be turned off again.')
param purgeProtection bool = true

@description('Close storage and the vault to the internet, and reach them inside a network of the application.')
param privateEndpoints bool = false
@description('Addresses of that network: a /24 at least.')
param networkPrefix string = '10.90.0.0/24'
@description('Premium is needed to close Service Bus to the internet as well. It can\'t be changed later.')
@allowed(['Standard', 'Premium'])
param serviceBusSku string = 'Standard'

// As text: azd puts a variable of the environment into a parameter.
var zonesOfDns = filter(split(dnsZones, ','), zone => !empty(zone))
var subscriptionsOfDns = union(map(zonesOfDns, zone => toLower(split(zone, '/')[2])), [])
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var frontName = 'func-front-${token}'
var url = empty(publicUrl) ? 'https://${frontName}.azurewebsites.net' : publicUrl
var packages = 'packages'
var closesServiceBus = privateEndpoints && serviceBusSku == 'Premium'
// Storage's suffix is the cloud's own. The vault's private zone has no place in environment().
var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
  namespace: 'privatelink.servicebus.windows.net'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

// Two apps from one package, with an identity each: what people and strangers reach holds no right to write at Microsoft.
// docs/permissions.md argues it.
module frontIdentity 'modules/identity.bicep' = {
  name: 'front-identity'
  scope: group
  params: {
    name: 'id-front-${token}'
    location: location
    tags: tags
  }
}

module stepsIdentity 'modules/identity.bicep' = {
  name: 'steps-identity'
  scope: group
  params: {
    name: 'id-steps-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'appi-onboarding-${token}'
    workspaceName: 'log-onboarding-${token}'
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyCapGb: dailyCapGb
    publishers: [
      frontIdentity.outputs.principalId
      stepsIdentity.outputs.principalId
    ]
  }
}

module records 'modules/storage.bicep' = {
  name: 'records'
  scope: group
  params: {
    name: 'strec${token}'
    location: location
    tags: tags
    sku: recordsSku
    tableContributors: [
      frontIdentity.outputs.principalId
      stepsIdentity.outputs.principalId
    ]
    isPrivate: privateEndpoints
  }
}

// Each app's host has an account of its own: whoever may write there may replace the app's package. The host's leases and
// keys are blobs, its diagnostic events a table. It uses no queues: those are for triggers by blobs, and there are none.
module frontHost 'modules/storage.bicep' = {
  name: 'front-host'
  scope: group
  params: {
    name: 'stfront${token}'
    location: location
    tags: tags
    sku: 'Standard_LRS'
    containers: [
      packages
    ]
    blobOwners: [
      frontIdentity.outputs.principalId
    ]
    tableContributors: [
      frontIdentity.outputs.principalId
    ]
    isPrivate: privateEndpoints
  }
}

module stepsHost 'modules/storage.bicep' = {
  name: 'steps-host'
  scope: group
  params: {
    name: 'ststeps${token}'
    location: location
    tags: tags
    sku: 'Standard_LRS'
    containers: [
      packages
    ]
    blobOwners: [
      stepsIdentity.outputs.principalId
    ]
    tableContributors: [
      stepsIdentity.outputs.principalId
    ]
    isPrivate: privateEndpoints
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  scope: group
  params: {
    name: 'sb-onboarding-${token}'
    location: location
    tags: tags
    sku: serviceBusSku
    senders: [
      frontIdentity.outputs.principalId
      stepsIdentity.outputs.principalId
    ]
    receivers: [
      stepsIdentity.outputs.principalId
    ]
    isPrivate: closesServiceBus
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-onb-${token}'
    location: location
    tags: tags
    linkKeyReaders: [
      frontIdentity.outputs.principalId
      stepsIdentity.outputs.principalId
    ]
    teamsWebhookReaders: [
      stepsIdentity.outputs.principalId
    ]
    purgeProtection: purgeProtection
    isPrivate: privateEndpoints
    workspaceId: monitoring.outputs.workspaceId
    teamsWebhookUrl: teamsWebhookUrl
    eventsSecrets: {
      'events-secret': eventsSecret
      'events-secret-previous': eventsSecretPrevious
      'events-authorization': eventsAuthorization
    }
    eventsReader: stepsIdentity.outputs.principalId
    dnsKeys: dnsKeys
    dnsKeysReaders: [
      stepsIdentity.outputs.principalId
    ]
  }
}

module registration 'modules/registration.bicep' = if (empty(authClientId)) {
  name: 'registration'
  scope: group
  params: {
    uniqueName: 'operator-connect-onboarding-${token}'
    displayName: 'Operator Connect onboarding (${environmentName})'
    publicUrl: url
    identityPrincipalId: frontIdentity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (privateEndpoints) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-onboarding-${token}'
    location: location
    tags: tags
    addressPrefix: networkPrefix
    zones: [
      zones.blob
      zones.table
      zones.vault
      zones.namespace
    ]
  }
}

// One after the other: each changes the subnet, and two of them the same account. Side by side about every third deployment
// fails: ReferencedResourceNotProvisioned (github.com/Azure/bicep-ptn-aiml-landing-zone/issues/41),
// StorageAccountOperationInProgress (github.com/Azure/bicep-registry-modules/issues/6001).
module recordsEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'records-endpoint'
  scope: group
  params: {
    name: 'pe-records-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: records.outputs.id
    groupId: 'table'
    zoneName: zones.table
  }
}

module frontHostBlobEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'front-host-blob-endpoint'
  scope: group
  params: {
    name: 'pe-front-host-blob-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: frontHost.outputs.id
    groupId: 'blob'
    zoneName: zones.blob
  }
  dependsOn: [
    recordsEndpoint
  ]
}

module frontHostTableEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'front-host-table-endpoint'
  scope: group
  params: {
    name: 'pe-front-host-table-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: frontHost.outputs.id
    groupId: 'table'
    zoneName: zones.table
  }
  dependsOn: [
    frontHostBlobEndpoint
  ]
}

module stepsHostBlobEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'steps-host-blob-endpoint'
  scope: group
  params: {
    name: 'pe-steps-host-blob-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: stepsHost.outputs.id
    groupId: 'blob'
    zoneName: zones.blob
  }
  dependsOn: [
    frontHostTableEndpoint
  ]
}

module stepsHostTableEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'steps-host-table-endpoint'
  scope: group
  params: {
    name: 'pe-steps-host-table-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: stepsHost.outputs.id
    groupId: 'table'
    zoneName: zones.table
  }
  dependsOn: [
    stepsHostBlobEndpoint
  ]
}

module vaultEndpoint 'modules/private-endpoint.bicep' = if (privateEndpoints) {
  name: 'vault-endpoint'
  scope: group
  params: {
    name: 'pe-vault-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: vault.outputs.id
    groupId: 'vault'
    zoneName: zones.vault
  }
  dependsOn: [
    stepsHostTableEndpoint
  ]
}

module serviceBusEndpoint 'modules/private-endpoint.bicep' = if (closesServiceBus) {
  name: 'service-bus-endpoint'
  scope: group
  params: {
    name: 'pe-service-bus-${token}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointsSubnetId
    targetId: serviceBus.outputs.id
    groupId: 'namespace'
    zoneName: zones.namespace
  }
  dependsOn: [
    vaultEndpoint
  ]
}

module front 'modules/function-app.bicep' = {
  name: 'front'
  scope: group
  params: {
    name: frontName
    planName: 'plan-front-${token}'
    location: location
    tags: tags
    serviceName: 'front'
    functions: 'front'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyHttp: alwaysReadyHttp
    subnetId: privateEndpoints ? network!.outputs.appSubnetId : ''
    identityId: frontIdentity.outputs.id
    identityClientId: frontIdentity.outputs.clientId
    hostStorageName: frontHost.outputs.name
    packageContainerUrl: '${frontHost.outputs.blobEndpoint}${packages}'
    tableEndpoint: records.outputs.tableEndpoint
    serviceBusHost: serviceBus.outputs.host
    insightsConnectionString: monitoring.outputs.connectionString
    signsPeopleIn: true
    authClientId: empty(authClientId) ? registration!.outputs.clientId : authClientId
    publicUrl: url
    isBehindGateway: !empty(publicUrl)
    vaultName: vault.outputs.name
    linkKeyName: vault.outputs.linkKeyName
    linkKeyPreviousVersion: linkKeyPreviousVersion
    teamsWebhookName: ''
    // Only whether there is a program to tell: what signs is the steps'.
    events: {
      ONBOARDING_EVENTS_URL: eventsUrl
    }
    runbookUrl: runbookUrl
    dailyMail: dailyMail
    mailSender: mailSender
    escalationEmail: escalationEmail
    operatorName: operatorName
    operatorContact: operatorContact
    permitted: {}
    projectSynergyBy: projectSynergyBy
    changesBy: changesBy
  }
  // The app reads its package and its secrets as it starts: by then the closed doors must have their other way in.
  dependsOn: [
    recordsEndpoint
    frontHostBlobEndpoint
    frontHostTableEndpoint
    vaultEndpoint
    serviceBusEndpoint
  ]
}

module steps 'modules/function-app.bicep' = {
  name: 'steps'
  scope: group
  params: {
    name: 'func-steps-${token}'
    planName: 'plan-steps-${token}'
    location: location
    tags: tags
    serviceName: 'steps'
    functions: 'steps'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyHttp: 0
    subnetId: privateEndpoints ? network!.outputs.appSubnetId : ''
    identityId: stepsIdentity.outputs.id
    identityClientId: stepsIdentity.outputs.clientId
    hostStorageName: stepsHost.outputs.name
    packageContainerUrl: '${stepsHost.outputs.blobEndpoint}${packages}'
    tableEndpoint: records.outputs.tableEndpoint
    serviceBusHost: serviceBus.outputs.host
    insightsConnectionString: monitoring.outputs.connectionString
    signsPeopleIn: false
    authClientId: ''
    publicUrl: url
    isBehindGateway: !empty(publicUrl)
    vaultName: vault.outputs.name
    linkKeyName: vault.outputs.linkKeyName
    linkKeyPreviousVersion: linkKeyPreviousVersion
    teamsWebhookName: empty(teamsWebhookUrl) ? '' : vault.outputs.teamsWebhookName
    events: {
      ONBOARDING_EVENTS_URL: eventsUrl
      ONBOARDING_EVENTS_SECRET: empty(eventsSecret) ? '' : '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName=events-secret)'
      ONBOARDING_EVENTS_SECRET_PREVIOUS: empty(eventsSecretPrevious) ? '' : '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName=events-secret-previous)'
      ONBOARDING_EVENTS_AUTHORIZATION: empty(eventsAuthorization) ? '' : '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName=events-authorization)'
    }
    runbookUrl: runbookUrl
    dailyMail: dailyMail
    mailSender: mailSender
    escalationEmail: escalationEmail
    operatorName: operatorName
    operatorContact: operatorContact
    // The front must not have them: it decides nothing by them, and whoever takes it over need not know them.
    permitted: {
      ONBOARDING_PERMITTED_SUBSCRIPTIONS: permittedSubscriptions
      ONBOARDING_PERMITTED_ADMIN_USERS: permittedAdminUsers
      ONBOARDING_PERMITTED_APPLICATIONS: permittedApplications
      ONBOARDING_PERMITTED_DOMAIN_SUFFIXES: permittedDomainSuffixes
      ONBOARDING_PERMITTED_MAIL_DOMAINS: permittedMailDomains
      ONBOARDING_PERMITTED_DNS_ZONES: dnsZones
      ONBOARDING_DNS_SERVERS: dnsServers
      ONBOARDING_DNS_KEYS: empty(dnsKeys) ? '' : '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName=${vault.outputs.dnsKeysName})'
    }
    projectSynergyBy: projectSynergyBy
    changesBy: changesBy
  }
  dependsOn: [
    // Both apps join one subnet. Side by side the second is refused with 409, "Failed to acquire
    // ServiceAssociationLinkLease" (github.com/hashicorp/terraform-provider-azurerm/issues/32089).
    front
    recordsEndpoint
    stepsHostBlobEndpoint
    stepsHostTableEndpoint
    vaultEndpoint
    serviceBusEndpoint
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    email: alertEmail
    actionGroupId: alertActionGroupId
    url: url
    runbookUrl: runbookUrl
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    insightsId: monitoring.outputs.insightsId
  }
}

module gatewayAccess 'modules/gateway-access.bicep' = if (!empty(gatewayResourceGroup)) {
  name: 'onboarding-gateway-access-${token}'
  scope: subscription(empty(gatewaySubscriptionId) ? subscription().subscriptionId : gatewaySubscriptionId)
  params: {
    resourceGroupName: gatewayResourceGroup
    onlyReads: changesBy == 'people'
    writers: [
      stepsIdentity.outputs.principalId
    ]
    readers: [
      frontIdentity.outputs.principalId
    ]
  }
}

// Once a subscription: its zones share the definition of the role.
module dnsZoneAccess 'modules/dns-zone-access.bicep' = [for id in subscriptionsOfDns: {
  name: 'onboarding-dns-zones-${uniqueString(id)}-${token}'
  scope: subscription(id)
  params: {
    zoneIds: filter(zonesOfDns, zone => toLower(split(zone, '/')[2]) == id)
    onlyReads: changesBy == 'people'
    writers: [
      stepsIdentity.outputs.principalId
    ]
  }
}]

// azd writes these into its environment; scripts after the deployment read them there.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output AZURE_WORKBOOK_ID string = workbook.outputs.id
output ONBOARDING_URL string = url
output ONBOARDING_FRONT_APP_NAME string = front.outputs.name
output ONBOARDING_STEPS_APP_NAME string = steps.outputs.name
output ONBOARDING_FRONT_PRINCIPAL_ID string = frontIdentity.outputs.principalId
output ONBOARDING_STEPS_PRINCIPAL_ID string = stepsIdentity.outputs.principalId
output ONBOARDING_STEPS_CLIENT_ID string = stepsIdentity.outputs.clientId
output ONBOARDING_REGISTRATION_CLIENT_ID string = empty(authClientId) ? registration!.outputs.clientId : authClientId
