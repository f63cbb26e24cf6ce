"""The judge: draws challenges, computes the right answers and the known wrong ones, and compares.

It runs apart from student code and believes nothing but numbers. The right answers are what a part's own probes give on
the reference; a mistake's are what they give on the mistaken code.
"""
