"""The components as a Pulumi package, for programs in any language: `pulumi package add` <this folder>."""
