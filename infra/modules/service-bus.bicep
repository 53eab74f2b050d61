// The namespace and its queues. The queues stand in ../servicebus/Config.json, which the official emulator and the
// local broker read too; nothing about a queue is said here a second time.

param name string
param location string
param tags object
@description('Standard has no private endpoints; Premium has, at many times the price.')
@allowed(['Standard', 'Premium'])
param sku string
@description('Principals that publish.')
param senders string[]
@description('Principals whose functions take messages.')
param receivers string[]
@description('Closed to the internet; reached by a private endpoint only. Premium.')
param isPrivate bool

var roles = loadJsonContent('../built-in-roles.json')
var definition = loadJsonContent('../servicebus/Config.json')
var queues = definition.UserConfig.Namespaces[0].Queues
// A queue that forwards can be created only when its target exists.
var targets = filter(queues, queue => empty(queue.Properties.ForwardDeadLetteredMessagesTo) && empty(queue.Properties.ForwardTo))
var forwarding = filter(queues, queue => !empty(queue.Properties.ForwardDeadLetteredMessagesTo) || !empty(queue.Properties.ForwardTo))

resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: sku
    capacity: sku == 'Premium' ? 1 : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

// One at a time: entities of a namespace that are changed side by side answer each other with conflict 40901.
@batchSize(1)
resource target 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = [for queue in targets: {
  parent: namespace
  name: queue.Name
  properties: {
    deadLetteringOnMessageExpiration: queue.Properties.DeadLetteringOnMessageExpiration
    defaultMessageTimeToLive: queue.Properties.DefaultMessageTimeToLive
    duplicateDetectionHistoryTimeWindow: queue.Properties.DuplicateDetectionHistoryTimeWindow
    lockDuration: queue.Properties.LockDuration
    maxDeliveryCount: queue.Properties.MaxDeliveryCount
    requiresDuplicateDetection: queue.Properties.RequiresDuplicateDetection
    requiresSession: queue.Properties.RequiresSession
  }
}]

@batchSize(1)
resource forwarder 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = [for queue in forwarding: {
  parent: namespace
  name: queue.Name
  properties: {
    deadLetteringOnMessageExpiration: queue.Properties.DeadLetteringOnMessageExpiration
    defaultMessageTimeToLive: queue.Properties.DefaultMessageTimeToLive
    duplicateDetectionHistoryTimeWindow: queue.Properties.DuplicateDetectionHistoryTimeWindow
    forwardDeadLetteredMessagesTo: empty(queue.Properties.ForwardDeadLetteredMessagesTo) ? null : queue.Properties.ForwardDeadLetteredMessagesTo
    forwardTo: empty(queue.Properties.ForwardTo) ? null : queue.Properties.ForwardTo
    lockDuration: queue.Properties.LockDuration
    maxDeliveryCount: queue.Properties.MaxDeliveryCount
    requiresDuplicateDetection: queue.Properties.RequiresDuplicateDetection
    requiresSession: queue.Properties.RequiresSession
  }
  dependsOn: [
    target
  ]
}]

// For each queue by itself, and not for the queue of dead letters: only Service Bus puts a message there. Whoever could
// send to it would say of any step, in words of their choosing, that it was given up.
var sending = flatten(map(senders, principal => map(range(0, length(forwarding)), queue => {
  principal: principal
  queue: queue
})))

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for each in sending: {
  name: guid(forwarder[each.queue].id, each.principal, roles['Azure Service Bus Data Sender'])
  scope: forwarder[each.queue]
  properties: {
    principalId: each.principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
  }
}]

resource receiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in receivers: {
  name: guid(namespace.id, principal, roles['Azure Service Bus Data Receiver'])
  scope: namespace
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
  }
}]

// Scaling reads how long a queue is, which takes Microsoft.ServiceBus/namespaces/*/read. Without it the platform peeks
// and guesses, and says so nowhere. Reader on the namespace gives that and no right to a message; Data Owner, which
// Microsoft's page names first, would also give the right to change and delete queues.
resource scaler 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in receivers: {
  name: guid(namespace.id, principal, roles.Reader)
  scope: namespace
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.Reader)
  }
}]

output id string = namespace.id
output name string = namespace.name
output host string = replace(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':443/', '')
