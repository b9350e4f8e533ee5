"""Pure functions from values to whole Kubernetes objects; whoever calls them registers, orders and awaits the objects.

A value may be a Pulumi Output. Nothing here looks into one, registers a resource, or reads a setting that it is not
given.
"""
