"""Rhetor: what goes into a prompt. Inputs become artifacts, tables become figures, and everything
is packed into a model's window, beside the engine or provider that counts its tokens. No Ray.

Nothing here calls a model or decides which one is called.
"""
