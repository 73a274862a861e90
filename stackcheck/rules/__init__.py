"""Rules: one rule, one code, one file. Pure functions of facts and knowledge."""
