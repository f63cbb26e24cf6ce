"""What an instructor and students see of a graded assignment, all from what grading has stored.

| module | what it is |
|---|---|
| `classroom` | who is in the class, and what is stored of each one's work |
| `item_analysis` | counts, scores, and how hard and how telling each part was |
| `findings` | mistakes, remarks on runs, library calls and answers to mark, each with its students |
| `clusters` | wrong answers without a name, grouped by how they are related to what was expected |
| `predictions` | what students predicted in a unit's lab, against what is so |
| `evidence` | for an appeal: what one student was asked, what came back, and what was expected |
| `pages` | the class's page, which needs no network, and one student's |
| `feedback` | the top of a student's feedback page |
| `templates` | how these are written: Jinja that escapes |
| `formgrader` | formgrader's pages, on which no script of a student's runs |
| `exports` | grades for Canvas, Moodle and spreadsheets |
"""
