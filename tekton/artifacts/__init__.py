"""Inputs and outputs kept by content hash. No Ray, no formats: bytes in, bytes out."""
