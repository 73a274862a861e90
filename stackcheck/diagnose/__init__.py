"""From a machine to its findings: run the rules, fold consequences under causes, rank."""
