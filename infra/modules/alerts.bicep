// What wakes somebody. Each rule is a query of ../alerts over the telemetry that ../telemetry.json names, but one, which
// asks Service Bus itself: it works also when the application tells nothing any more.

param location string
param tags object
param workspaceId string
param serviceBusId string
@description('Who is told by e-mail; empty: nobody.')
param email string
@description('An action group that exists, told besides; empty: none.')
param actionGroupId string
@description('Where people reach the application.')
param url string
@description('Where people read docs/runbook.md; empty: in the repository.')
param runbookUrl string

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'operator-connect-onboarding'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'onboarding'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var actionGroupIds = concat(empty(email) ? [] : [group.id], empty(actionGroupId) ? [] : [actionGroupId])

var runbook = empty(runbookUrl) ? 'docs/runbook.md' : runbookUrl

// `query` answers with rows; the rule fires on more rows than none, and once for each value of the column `by` if it has
// one, which the alert then names. `look`: where in the application to look, with the dashboard's filter. severity: 1
// error, 2 warning, 3 to be known.
var rules = [
  {
    name: 'dead-letters'
    title: 'Messages were dead-lettered'
    text: 'A message could not be taken up. Which, and why, stands in the audit trail of its onboarding.'
    look: '/api/dashboard?state=running,needs-attention'
    severity: 1
    query: loadTextContent('../alerts/dead-letters.kql')
    every: 'PT5M'
    over: 'PT15M'
    by: ''
  }
  {
    name: 'needs-attention'
    title: 'A step needs attention'
    text: 'A step stopped and a person must act. The dashboard says what to do.'
    look: '/api/dashboard?state=needs-attention'
    severity: 2
    query: loadTextContent('../alerts/needs-attention.kql')
    every: 'PT15M'
    over: 'PT30M'
    by: ''
  }
  {
    name: 'old-wait'
    title: 'A wait is older than two weeks'
    text: 'Microsoft says that provisioning takes up to two weeks. Ask the onboarding team.'
    look: '/api/dashboard?state=waiting-for-microsoft&sort=waiting'
    severity: 2
    query: loadTextContent('../alerts/old-wait.kql')
    every: 'PT1H'
    over: 'PT2H'
    by: ''
  }
  {
    name: 'timer-silent'
    title: 'The timer was silent for ten minutes'
    text: 'Waits are not looked at and lost messages not repaired. Nothing is lost: it goes on when the timer does.'
    look: '/api/health'
    severity: 1
    query: loadTextContent('../alerts/timer-silent.kql')
    every: 'PT5M'
    over: 'PT10M'
    by: ''
  }
  {
    name: 'failures'
    title: 'Functions fail'
    text: 'Functions ended with an error that no rule of the application expects.'
    look: '/api/health'
    severity: 2
    query: loadTextContent('../alerts/failures.kql')
    every: 'PT5M'
    over: 'PT15M'
    by: ''
  }
  {
    name: 'roles-given'
    title: 'A role of Project Synergy was given'
    text: 'The principal, by its object id, was given app roles of Project Synergy. Is it a gateway or an admin user that somebody asked for?'
    look: '/api/dashboard?sort=updated&order=desc'
    severity: 3
    query: loadTextContent('../alerts/roles-given.kql')
    every: 'PT5M'
    over: 'PT15M'
    by: 'principal'
  }
  {
    name: 'forged-links'
    title: 'Somebody sends forged links'
    text: 'Signed links came that this application did not sign. None was taken, and nothing was changed by them.'
    look: '/api/dashboard'
    severity: 2
    query: loadTextContent('../alerts/forged-links.kql')
    every: 'PT15M'
    over: 'PT1H'
    by: ''
  }
]

resource rule 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for each in rules: {
  name: 'onboarding-${each.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: each.title
    description: '${each.text} Look at ${url}${each.look}. What to do: ${runbook}#alert-${each.name}'
    severity: each.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: each.every
    windowSize: each.over
    criteria: {
      allOf: [
        {
          query: each.query
          timeAggregation: 'Count'
          dimensions: empty(each.by) ? [] : [
            {
              name: each.by
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    // Tables come to be with the first telemetry: before that, a query of them would be refused as wrong.
    skipQueryValidation: true
    actions: {
      actionGroups: actionGroupIds
      // In the common schema of alerts, for whatever takes them up.
      customProperties: {
        dashboard: '${url}${each.look}'
        runbook: '${runbook}#alert-${each.name}'
      }
    }
  }
}]

resource deadLetters 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'onboarding-dead-letters-unread'
  location: 'global'
  tags: tags
  properties: {
    description: 'Dead letters lie in a queue of the namespace and nothing reads them. Look at ${url}/api/health. What to do: ${runbook}#alert-dead-letters-unread'
    severity: 1
    enabled: true
    scopes: [
      serviceBusId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'unread'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          dimensions: [
            {
              name: 'EntityName'
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Maximum'
        }
      ]
    }
    autoMitigate: true
    actions: map(actionGroupIds, id => {
      actionGroupId: id
      webHookProperties: {
        dashboard: '${url}/api/health'
        runbook: '${runbook}#alert-dead-letters-unread'
      }
    })
  }
}
