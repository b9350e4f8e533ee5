"""Public manifests with labels, which measure how often lint is right about what people really write."""
