"""Submissions: the only code that opens students' folders. It reads each once; all later steps use the bytes."""
