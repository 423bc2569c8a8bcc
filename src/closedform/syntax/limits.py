"""What text may ask for. Everything here is checked before the work that it bounds is done.

SymPy computes 2**10**9 when it is asked to, so numbers are bounded before SymPy sees them.
"""

from __future__ import annotations

FILE = 1_000_000  # characters of a file, Markdown around claims included
TEXT = 200_000  # characters of claims in one file
STATEMENT = 10_000  # characters of one statement
STATEMENTS = 1_000  # statements of one claim
CLAIMS = 2_000  # claims of one file
MISTAKES = 20  # claims with a mistake that one error lists
NESTING = 100  # brackets, signs and exponents inside each other
AXES = 12  # indices of a tensor, of one sum, variables of one derivative
NAME = 100  # characters of a name
SUMS = 12  # sums inside each other
DIGITS = 100  # digits of a number as written
DECIMAL_EXPONENT = 300  # e of a number such as 1e300
EXPONENT = 1_000  # a constant exponent, multiplied over powers of powers
BITS = 8_192  # all large exact numbers of one statement together
SMALL_BITS = 32  # a number up to this size is not large
MAGNITUDE = 10**300  # a constant such as exp(100)
