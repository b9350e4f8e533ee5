"""One module for each part of a mesh's tracing, with the rules for the faults that people make there."""
