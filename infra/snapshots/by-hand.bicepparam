// People make all changes: the identities only read.
using '../main.bicep'

param environmentName = 'production'
param location = 'uksouth'
param authClientId = '33333333-3333-3333-3333-333333333333'
param gatewayResourceGroup = 'rg-gateways'
param gatewaySubscriptionId = '44444444-4444-4444-4444-444444444444'
param alertActionGroupId = '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-operators/providers/Microsoft.Insights/actionGroups/on-call'
param changesBy = 'people'
param dnsZones = '/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso.com'
