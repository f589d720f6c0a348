"""Tables of calls that the catalog refuses, by subject. ``facts`` joins them.

A call names the first of several faults where that shows the order of the checks.
"""
