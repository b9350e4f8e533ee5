"""What runs the embedded cluster and the stack on it: each node in namespaces of its own."""
