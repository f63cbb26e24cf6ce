"""The door: a student's folder is opened here, and read once. Behind it there are bytes, and nobody opens it again."""
