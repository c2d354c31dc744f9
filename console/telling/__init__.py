"""What phasegate says to people about decisions, in Korean, English and French."""
