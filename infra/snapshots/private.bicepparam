// Everything closed to the internet, Service Bus too; and whatever else can be turned on.
using '../main.bicep'

param environmentName = 'production'
param location = 'uksouth'
param privateEndpoints = true
param serviceBusSku = 'Premium'
param networkPrefix = '10.20.30.0/24'
param publicUrl = 'https://onboarding.contoso.com'
param teamsWebhookUrl = 'https://contoso.environment.api.powerplatform.com/workflows/1?sig=only-in-the-vault'
param linkKeyPreviousVersion = '0123456789abcdef0123456789abcdef'
param mailSender = 'onboarding@contoso.com'
param escalationEmail = 'operations@contoso.com'
param permittedSubscriptions = '44444444-4444-4444-4444-444444444444/rg-gateways'
param permittedAdminUsers = 'voice.admin@contoso.com,@contoso.com'
param permittedDomainSuffixes = 'commsgw.azure.com'
param permittedMailDomains = 'contoso.com,microsoft.com'
param alertEmail = 'operators@contoso.com'
param recordsSku = 'Standard_GZRS'
