"""The module of `Calls` before 0.6.0, which units of other authors import."""

from lib.checking.spies import Calls as Calls
