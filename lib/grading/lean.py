"""A lean start: what takes longer to import than all the rest together, and nothing here needs, is not imported.

jsonschema looks for `rfc3987_syntax`, which makes a grammar of internationalised addresses at every start. Without it
jsonschema leaves the format of such addresses unchecked, and no notebook has any to check.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # Python's own way to say: not to be found
