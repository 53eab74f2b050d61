// A function app, on Flex Consumption, and its sign-in. Deployed twice: the front (HTTP, the timer) and the steps (the
// queues), from the same package.
//
// Scale. Flex Consumption scales each queue function by itself: every one has instances of its own, named by the group
// `function:<name>` (`function:enable_services`, …), while all HTTP functions share the group `http`, and the timer is
// `function:timer`. So an onboarding whose nine tasks and whose notices run now and then meets a cold start at each of
// them: Python, this package, and the SDK that the step needs, some seconds each. Ten of those in a process that waits
// two weeks for Microsoft are nothing, and keeping ten functions warm would cost ten instances around the clock.
// Therefore no queue function is kept ready. The timer fires every minute and stays warm by that. Only people notice
// waiting: one instance of `http` is kept ready, so that a page opens at once, also by the link in a message. Where
// that isn't worth its price (a lab), alwaysReadyHttp is 0.

param name string
param planName string
param location string
param tags object
@description('The service of azure.yaml that is published here.')
param serviceName string
@description('Which functions it has: onboarding/settings.py, Functions.')
@allowed(['all', 'front', 'steps'])
param functions string
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string
@allowed([512, 2048, 4096])
param instanceMemoryMB int
@description('Instances of all groups together, at most. Microsoft Graph throttles a tenant long before this does.')
param maximumInstances int
@minValue(0)
param alwaysReadyHttp int
@description('Subnet for outgoing traffic; empty: none.')
param subnetId string

@description('Resource id, client id of the identity that the app runs as.')
param identityId string
param identityClientId string

@description('The host\'s own storage account, its blob endpoint, and the container with the package.')
param hostStorageName string
param packageContainerUrl string
param tableEndpoint string
param serviceBusHost string
param insightsConnectionString string

@description('Whether people sign in here. Said apart from the registration, which a preview doesn\'t know yet.')
param signsPeopleIn bool
@description('Client id of the registration that they sign in with.')
param authClientId string
param publicUrl string
@description('Whether people come by another name than the app\'s own.')
param isBehindGateway bool
param vaultName string
param linkKeyName string
@description('Version of the link key before, while its links are still good; empty: none.')
param linkKeyPreviousVersion string
@description('Name of the secret with the Teams webhook; empty: none.')
param teamsWebhookName string
@description('Settings of events for programs.')
param events object
param runbookUrl string
param dailyMail bool
param mailSender string
param escalationEmail string
param operatorName string
param operatorContact string
@description('Settings of what the steps may do: of that app only.')
param permitted object
@description('application or administrator: who adds Project Synergy to the tenant.')
param projectSynergyBy string
@description('application or people: who makes the changes at Microsoft.')
param changesBy string

// The name that App Service authentication looks for: it then takes a token of that identity in place of a secret.
var assertionSetting = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
var issuer = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Key Vault references are read with this identity; without the line the platform tries the system's, which isn't there.
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyHttp == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyHttp
          }
        ]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(permitted, events, {
    // The platform's.
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // Not here: PYTHON_ENABLE_OPENTELEMETRY. It makes the worker fail every invocation (docs/telemetry.md).
    // Bytes. The application reads half of it (MAX_BODY) and says so; the host's own default is 100 MB, which is read into
    // memory before anybody asks who sends it.
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '262144'
    // `/` leads to the dashboard; without that the platform's own page about Azure Functions could stand there.
    AzureWebJobsDisableHomepage: 'true'
    '${assertionSetting}': signsPeopleIn ? identityClientId : ''
    // The triggers', read by the Functions host beside ServiceBus__fullyQualifiedNamespace.
    ServiceBus__credential: 'managedidentity'
    ServiceBus__clientId: identityClientId
    // The application's: onboarding/settings.py.
    AZURE_CLIENT_ID: identityClientId
    ONBOARDING_FUNCTIONS: functions
    ServiceBus__fullyQualifiedNamespace: serviceBusHost
    Tables__tableServiceUri: tableEndpoint
    ONBOARDING_ARM_ENDPOINT: environment().resourceManager
    ONBOARDING_TIMER_SCHEDULE: '0 * * * * *'
    ONBOARDING_PUBLIC_URL: publicUrl
    ONBOARDING_RUNBOOK_URL: runbookUrl
    ONBOARDING_DAILY_MAIL: string(dailyMail)
    ONBOARDING_MAIL_SENDER: mailSender
    ONBOARDING_ESCALATION_EMAIL: escalationEmail
    ONBOARDING_OPERATOR_NAME: operatorName
    ONBOARDING_OPERATOR_CONTACT: operatorContact
    ONBOARDING_PROJECT_SYNERGY_BY: projectSynergyBy
    ONBOARDING_CHANGES_BY: changesBy
    ONBOARDING_LINK_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${linkKeyName})'
    ONBOARDING_LINK_KEY_PREVIOUS: empty(linkKeyPreviousVersion) ? '' : '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${linkKeyName};SecretVersion=${linkKeyPreviousVersion})'
    ONBOARDING_TEAMS_WEBHOOK_URL: empty(teamsWebhookName) ? '' : '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${teamsWebhookName})'
  })
}

// The package is sent with a token of Microsoft Entra; nobody has a password for it.
resource noPasswordByFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPasswordByScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

// The platform signs people in and checks tokens; whether a route may be used by nobody (a signed link) or by whom is
// the application's to say (onboarding/http/entrance.py). `excludedPaths` could say it here, but how it matches isn't
// documented, and one mistake there would open the rest. Therefore: anonymous calls reach the application, which
// refuses them everywhere but on the signed links and what needs no protection.
resource signIn 'Microsoft.Web/sites/config@2025-03-01' = if (signsPeopleIn) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
      forwardProxy: {
        // Behind a gateway the way back from sign-in must lead to the gateway's name (X-Forwarded-Host), not to this app's.
        // Entra sends nobody to a name that isn't registered. Source: Microsoft Learn, "Considerations for using Azure
        // Front Door" in "Customize sign-in and sign-out".
        convention: isBehindGateway ? 'Standard' : 'NoProxy'
      }
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: authClientId
          clientSecretSettingName: assertionSetting
          openIdIssuer: issuer
        }
        validation: {
          allowedAudiences: [
            authClientId
            'api://${authClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        // Nothing here calls anything in a person's name: their tokens are not kept.
        enabled: false
      }
      cookieExpiration: {
        convention: 'FixedTime'
        timeToExpiration: '08:00:00'
      }
    }
  }
  dependsOn: [
    settings
  ]
}

output id string = app.id
output name string = app.name
