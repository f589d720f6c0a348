"""Who a client is, proven otherwise than by a SQL login's password: Kerberos, NTLM, access tokens of Entra ID.

Knows neither the wire protocol, which carries the proofs, nor SQL. What proves an identity is loaded when the first
client needs it.
"""
