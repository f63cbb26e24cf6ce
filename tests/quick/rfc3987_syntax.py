"""Found in the place of the package of this name, which jsonschema imports if it can.

It builds 38 grammars of internationalised addresses when it is imported, for two seconds, in every program that reads a
notebook. No notebook has such an address, and the tests start hundreds of such programs.
"""

raise ImportError("not needed")
