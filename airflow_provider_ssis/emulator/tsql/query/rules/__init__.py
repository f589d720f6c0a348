"""How each kind of syntax node is compiled."""
