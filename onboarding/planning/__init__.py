"""Plans: what an onboarding would change, found out without writing anything."""
