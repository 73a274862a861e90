"""From requirements, knowledge and machines to a verdict, or to a plan and why. No I/O."""
