"""Small named steps that make the exported graph faster and leave its outputs as they are."""
