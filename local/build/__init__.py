"""What builds the programs and images of the embedded cluster, each once, into a cache."""
