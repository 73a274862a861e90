"""Reports: one file per format. They word what they are given and judge nothing."""
