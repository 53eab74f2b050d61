"""Requests to start from, as the API's description shows them: the same as those in the folder `samples`.

They stand here too because that folder is not deployed; a test compares the two.
"""

from __future__ import annotations

from typing import Any

OWN_SBC: dict[str, Any] = {
    "gateway": {
        "kind": "session-border-controller",
        "name": "contoso-sbc",
        "domain": "voice.contoso.example",
        "trunks": [
            {"fqdn": "sbc1.voice.contoso.example", "port": 5061, "region": "West Europe"},
            {"fqdn": "sbc2.voice.contoso.example", "port": 5061, "region": "North Europe"},
        ],
        "hosting": "own",
    },
    "environment": "production",
    "application": {"clientId": "2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e15"},
    "services": {
        "operatorConnect": {
            "testLines": [
                {"name": "OC1", "phoneNumber": "+442079460701"},
                {"name": "OC2", "phoneNumber": "+442079460702"},
                {"name": "OC3", "phoneNumber": "+442079460703"},
                {"name": "OC4", "phoneNumber": "+442079460704"},
                {"name": "OC5", "phoneNumber": "+442079460705"},
                {"name": "OC6", "phoneNumber": "+442079460706"},
            ],
            "integrationTestNumbers": ["+442079460790"],
        },
    },
    "dns": {
        "owner": {"name": "Contoso hostmaster", "email": "hostmaster@contoso.com"},
    },
    "adminUser": "voice.admin@contoso.com",
    "alreadyOnboarded": False,
    "onboardingTeam": {"name": "Onboarding partner", "email": "onboarding-partner@example.com"},
    "notify": {"emails": ["voice-ops@contoso.com"], "teams": True},
}

OPERATOR_CONNECT: dict[str, Any] = {
    "gateway": {
        "kind": "communications-gateway",
        "subscriptionId": "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63",
        "resourceGroup": "rg-voice",
        "name": "contoso-acg",
    },
    "environment": "production",
    "services": {
        "operatorConnect": {
            "testLines": [
                {"name": "OC1", "phoneNumber": "+442079460101"},
                {"name": "OC2", "phoneNumber": "+442079460102"},
                {"name": "OC3", "phoneNumber": "+442079460103"},
                {"name": "OC4", "phoneNumber": "+442079460104"},
                {"name": "OC5", "phoneNumber": "+442079460105"},
                {"name": "OC6", "phoneNumber": "+442079460106"},
            ],
            "integrationTestNumbers": ["+442079460190"],
        }
    },
    "adminUser": "voice.admin@contoso.com",
    "alreadyOnboarded": False,
    "onboardingTeam": {"name": "Microsoft onboarding", "email": "acg-onboarding@example.com"},
    "notify": {"emails": ["voice-ops@contoso.com"], "teams": True},
}

LAB_BOTH_SERVICES: dict[str, Any] = {
    "gateway": {
        "kind": "communications-gateway",
        "subscriptionId": "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63",
        "resourceGroup": "rg-voice",
        "name": "contoso-lab-acg",
    },
    "environment": "lab",
    "services": {
        "operatorConnect": {
            "testLines": [
                {"name": "OC1", "phoneNumber": "+442079460301"},
                {"name": "OC2", "phoneNumber": "+442079460302"},
                {"name": "OC3", "phoneNumber": "+442079460303"},
            ],
            "integrationTestNumbers": ["+442079460390"],
        },
        "teamsPhoneMobile": {
            "testLines": [
                {"name": "TPM1", "phoneNumber": "+442079460401"},
                {"name": "TPM2", "phoneNumber": "+442079460402"},
                {"name": "TPM3", "phoneNumber": "+442079460403"},
            ],
            "integrationTestNumbers": ["+442079460490"],
            "voicemailPilotNumber": "+442079460499",
            "callRouting": "onPremisesMcp",
        },
    },
    "adminUser": "voice.admin@contoso.com",
    "alreadyOnboarded": False,
    "onboardingTeam": {"name": "Microsoft onboarding", "email": "acg-onboarding@example.com"},
    "notify": {"emails": ["voice-ops@contoso.com"], "teams": True},
}
