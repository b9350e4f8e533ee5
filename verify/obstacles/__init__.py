"""What others have put between a proxy and the collector, each kind in a module.

An obstacle is an object that is valid by itself and keeps spans away. Whether it does is seen in the proxies; these
modules only say which object it is, and what takes it out of the way.
"""
