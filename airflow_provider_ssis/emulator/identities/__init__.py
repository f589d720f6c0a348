"""Who a client is, proven otherwise than by a SQL login's password: Kerberos, NTLM, access tokens of Entra ID.

Knows nothing of the wire protocol, which carries the proofs. What checks a proof is loaded when the first client needs
it.
"""
