"""What runs the embedded cluster and the stack on it: one node in namespaces of its own."""
