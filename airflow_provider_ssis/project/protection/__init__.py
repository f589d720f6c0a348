"""Protection levels: encrypt and decrypt values and files with a password, or remove the sensitive values."""
