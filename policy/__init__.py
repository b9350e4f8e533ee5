"""The checks of lint as a Pulumi policy pack, for the stacks of any program that deploys to Kubernetes."""
