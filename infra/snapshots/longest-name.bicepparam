// The longest name that an environment may have, with capitals and all other signs that azd allows; all that makes names.
using '../main.bicep'

param environmentName = 'Operator.Connect_Onboarding-(Contoso)-40'
param location = 'germanywestcentral'
param privateEndpoints = true
param serviceBusSku = 'Premium'
param gatewayResourceGroup = 'rg-gateways'
param alertEmail = 'operators@contoso.com'
