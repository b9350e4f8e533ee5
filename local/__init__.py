"""The embedded cluster: a real Kubernetes of one node or several on a bare Linux machine, from pinned parts.

It knows the Pulumi program only from outside: it runs its stack ``local``; the program knows
nothing of it.
"""
