"""The words on a finding, for students and instructors. They are made where they are shown, and never stored."""

from dataclasses import replace

from lib.checking.error_hints import explain, hint_for
from lib.checking.findings import Finding
from lib.grading.errors import end_sentence, with_line
from lib.grading.safe_names import quote, visible


def why(finding: Finding) -> str:
    """Return why a statement is not right, for its student, or "": without the result expected on the secret draw."""
    if finding.why is None:
        return ""
    found = replace(finding.why, expected="")
    text = " ".join(filter(None, (explain(found).text, found.sentence)))
    return visible(f"{end_sentence(text)} {found.cause}" if found.cause else text, keep="\n")


def line(finding: Finding) -> str:
    """Return the student's line that raised an error, or ""."""
    return visible(finding.why.line) if finding.why else ""


def hint(finding: Finding) -> str:
    """Return one thing to try, or "" if the mistake has a name, or if `why` already says what to try."""
    reason = finding.why
    if reason is None or finding.mistake or finding.state != "wrong" or reason.kind == "time" or reason.cause:
        return ""
    return visible(hint_for(reason))


def reason(finding: Finding) -> str:
    """Return `why` for instructors, in quotation marks if it comes from student code."""
    is_of_code = finding.why and finding.why.is_of_code
    return quote(with_line(why(finding), line(finding))) if is_of_code else why(finding)


def brief(finding: Finding) -> str:
    """Return `why` without the values of one draw."""
    return why(finding) if finding.why is None or finding.why.is_of_code else finding.why.text
