"""The judge: draws challenges, and compares what student code has shown with what has to be there.

It runs apart from student code and believes nothing but results. What is right is told from the inputs, or by the right
code of the answer key; mistakes are named as at the desk, by their fingerprints.
"""
