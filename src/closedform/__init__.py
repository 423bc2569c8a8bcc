"""closedform: derive, prove, generate and test derivatives that hold for every size."""
