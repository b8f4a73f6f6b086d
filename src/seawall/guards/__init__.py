"""The rooms of the pipeline: settings say what the policy may set, a rule decides, a guard carries it out."""
