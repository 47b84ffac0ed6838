"""Messages of the checks of arguments."""

import pytest

from fastdl._base.checks import prefixed


@pytest.mark.parametrize("kind", [TypeError, ValueError, RuntimeError])
def test_prefixed_keeps_the_kind(kind):
    error = prefixed("zeros: size", kind("too large"))
    assert type(error) is kind and str(error) == "zeros: size: too large"


def test_prefixed_makes_the_base_of_an_error_that_takes_more_than_a_message():
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode()
    error = prefixed("tensor: data", caught.value)
    assert type(error) is ValueError and str(error).startswith("tensor: data: 'utf-8' codec")
