"""A mistake: a wrong variant of what the student writes, as executable code with a name and a hint.

The judge runs the variant on a challenge like anyone's code. A student whose numbers are the variant's has made the
mistake.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Code = TypeVar("Code")


@dataclass(frozen=True)
class Mistake:
    """One wrong variant of one part's code.

    `name` says in plain words what the code does, `hint` gives one thing to try without giving the answer. `code` holds
    the wrong objects by the names that the part checks. A mistake that gives the same numbers as earlier ones names
    them in `same_as`: the judge can't tell them apart, and names the first. `teach` tells an instructor what to go
    through again when many have made it.
    """

    part: str
    name: str
    hint: str
    code: Mapping[str, object]
    same_as: tuple[str, ...] = ()
    teach: str = ""


def _as_it_is(code: Any) -> object:
    return code


@dataclass(frozen=True)
class Chapter:
    """The mistakes of one part in the making: a decorator that enters wrong code, in order, into `mistakes`.

    `subject` is the name of the object that the part checks; `made_of` makes that object of the decorated code. `teach`
    says what to go through again, for all mistakes that don't say so themselves.
    """

    part: str
    subject: str
    made_of: Callable[[Any], object] = _as_it_is
    mistakes: list[Mistake] = field(default_factory=list)
    teach: str = ""

    def __call__(
        self, name: str, hint: str, *, same_as: tuple[str, ...] = (), teach: str = ""
    ) -> Callable[[Code], Code]:
        """Enter the decorated code under `name`."""

        def enter(code: Code) -> Code:
            made = {self.subject: self.made_of(code)}
            self.mistakes.append(Mistake(self.part, name, hint, made, same_as, teach or self.teach))
            return code

        return enter
