"""Laws that are broken on purpose: that one example breaks them is enough to know."""

from hypothesis import Phase, given, settings


def unshrunk(law, max_examples=100):
    """Return the law on as many examples, which are not made smaller: that can take minutes."""
    quick = settings(
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        max_examples=max_examples,
        report_multiple_bugs=False,
    )
    return quick(given(**law.hypothesis._given_kwargs)(law.hypothesis.inner_test))
