"""What people are told of an onboarding: who, on which way, and in which words."""
