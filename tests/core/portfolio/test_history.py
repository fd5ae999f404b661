from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nanobook_core.portfolio.history import History


def test_copies_of_a_history_share_it_until_they_differ():
    first = History([1, 2])
    second, third = first.copy(), first.copy()
    second.append(3)
    first.append(4)
    third.append(5)
    assert (first.to_list(), second.to_list(), third.to_list()) == ([1, 2, 4], [1, 2, 3], [1, 2, 5])
    assert (first.last, len(second)) == (4, 3)


def test_a_copy_of_a_shorter_copy_has_no_more_than_that():
    first = History([1])
    second = first.copy()
    first.append(2)
    third = second.copy()
    assert (third.to_list(), len(third), third.last) == ([1], 1, 1)
    third.append(3)
    assert (first.to_list(), second.to_list(), third.to_list()) == ([1, 2], [1], [1, 3])


def test_its_list_is_the_callers_own():
    history = History([1])
    history.to_list().append(9)
    assert history.to_list() == [1]


def test_many_copies_of_a_long_history_hold_its_values_once():
    history = History(list(range(1000)))
    copies = []
    for value in range(100):
        copies.append(history.copy())
        history.append(value)
    assert len({id(copy._items) for copy in copies}) == 1
    assert [len(copy) for copy in copies] == list(range(1000, 1100))


class Copies(RuleBasedStateMachine):
    """Histories beside lists that are copied in full."""

    @initialize()
    def begin(self):
        self.histories, self.lists = [History([0])], [[0]]

    @rule(which=st.integers(0, 9), value=st.integers())
    def append(self, which, value):
        which %= len(self.lists)
        self.histories[which].append(value)
        self.lists[which].append(value)

    @rule(which=st.integers(0, 9))
    def copy(self, which):
        which %= len(self.lists)
        self.histories.append(self.histories[which].copy())
        self.lists.append(list(self.lists[which]))

    @invariant()
    def are_the_same(self):
        if hasattr(self, "lists"):
            assert [history.to_list() for history in self.histories] == self.lists
            assert [len(history) for history in self.histories] == [len(x) for x in self.lists]
            assert [history.last for history in self.histories] == [x[-1] for x in self.lists]


TestHistoriesAreListsThatAreCopiedInFull = Copies.TestCase
TestHistoriesAreListsThatAreCopiedInFull.settings = settings(
    max_examples=100, stateful_step_count=20, deadline=None
)
