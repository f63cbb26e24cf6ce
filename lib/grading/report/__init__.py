"""The class report: what an instructor wants to know of a graded assignment, on one page that needs no network.

classroom.py   who is in the class, what came of each submission: the gradebook in five queries, and the verdicts
figures.py     counts, scores, and how hard and how telling each part was
mistakes.py    the mistakes of this class, most frequent first
alike.py       wrong answers that have no name yet, grouped by how they are related to what was expected
pictures.py    bars, drawn as SVG that keeps its words readable on a phone
pages.py       the class's page, and one student's for an appeal
app.py         `zerolayer report`

Everything comes from what grading has stored, and nothing is kept: a report made again is a new report.
"""
