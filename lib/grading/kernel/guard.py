"""Wrapping of statements, so that an error in one doesn't stop the next."""

import ast


def guard(statement: ast.stmt) -> ast.stmt:
    """Wrap a statement in `try`. An interrupt still stops the cell: kernels that continue after one are killed."""
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.fix_missing_locations(ast.copy_location(ast.Try([statement], [handler], [], []), statement))
