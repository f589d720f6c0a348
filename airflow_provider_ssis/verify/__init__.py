"""A conformance suite: does a server's SSISDB catalog behave as this project expects?

It runs on any server, in a scratch folder. The embedded SSISDB is judged by the same facts.
"""
