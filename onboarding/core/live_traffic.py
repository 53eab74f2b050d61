"""The next step, once all is connected: who does what before live traffic, in short.

Source: https://learn.microsoft.com/azure/communications-gateway/prepare-for-live-traffic-operator-connect
"""

from __future__ import annotations

from onboarding.core.operator_connect import PORTAL_APPLICATION_IDS

LIVE_TRAFFIC_ARTICLE = (
    "https://learn.microsoft.com/azure/communications-gateway/prepare-for-live-traffic-operator-connect"
)

LIVE_TRAFFIC: tuple[str, ...] = (
    f"You: find your Operator ID at {PORTAL_APPLICATION_IDS}; give the onboarding team your company's name, the"
    " Operator ID and the id of your test tenant. They register the test tenant and confirm it.",
    "You, in the test tenant: add your company as operator, create licensed test users with emergency locations, upload"
    " the integration test numbers, and assign them to the users.",
    "You, in your network: route calls between service verification numbers back through the gateway, and route the"
    " integration test numbers like your customers'.",
    "You and the onboarding team: go through the integration test plan. They change the gateway, you change your own"
    " devices.",
    "You: prove BFD, run the failover test, and validate emergency calls with the onboarding team.",
    "You: have your press release, landing page and logos approved by Microsoft Teams.",
    "You: raise a support ticket as a test, and learn to monitor the gateway.",
    "You: prove your API integration (with the Provisioning API it is automatic).",
    "The onboarding team: tests synthetically, for at least 7 days.",
    "The onboarding team: schedules the launch; ask at least 2 weeks ahead, for one of the month's dates.",
)
"""In their order, without numbers."""
