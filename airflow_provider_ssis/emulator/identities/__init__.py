"""Identities of clients without a SQL login: Kerberos, NTLM, access tokens of Entra ID.

Independent of the wire protocol, which transports the proofs. The library that checks a kind of proof is loaded when
the first client sends one.
"""
