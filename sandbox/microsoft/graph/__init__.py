"""Microsoft Graph v1.0, as far as the onboarding goes: service principals, app roles, users, domains, mail."""
