"""The type checker of the test run."""

from beartype import BeartypeConf, beartype

# an int is a float to the type system, and to callers: `psnr(40)`
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
