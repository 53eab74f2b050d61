"""The cloud on one machine: what the onboarding app needs from Azure and Microsoft, run locally. Never deployed."""
