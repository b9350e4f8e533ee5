"""The embedded cluster: a real one-node Kubernetes on a bare Linux machine, from pinned parts.

It knows the Pulumi program only from outside: it runs its stack ``local``; the program knows
nothing of it.
"""
