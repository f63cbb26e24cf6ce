"""Submissions: what came from a student, made safe."""
