"""What run.sh calls: which commands a stage is, what it needs, whether it is done, and how it is run and stopped."""
