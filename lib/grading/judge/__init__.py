"""The judge: draws challenges, and compares the results of student code with right ones.

It runs in another process than student code, and trusts only results. Right results are computed from the inputs, or by
the right code of the answer key. Mistakes are named by their fingerprints, as in checks at the desk.
"""
