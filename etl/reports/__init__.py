"""What a person reads: questions to the warehouse, and their answers in several formats."""
