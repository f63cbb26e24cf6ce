"""Answer keys: how a catalogue gathers mistakes and the ways of writing them."""

from dataclasses import replace

from lib.answer_key import MistakeCatalog


def test_ways_of_writing_a_mistake_stand_in_one_call_or_in_several_under_its_name():
    catalog = MistakeCatalog("check-sum", "total", teach="Add at the board.")
    catalog("It is doubled", "Add once.")("2 * x", "x + x")
    catalog("It is negative", "Look at the sign.", same_as=("It is doubled",))("-x")
    catalog("It is doubled", "Add once.")("x * 2")
    doubled, negative = catalog.mistakes
    assert [way.code for way in doubled.ways] == [{"total": "2 * x"}, {"total": "x + x"}, {"total": "x * 2"}]
    assert (doubled.hint, doubled.teach) == ("Add once.", "Add at the board.")
    assert (negative.code, negative.same_as) == ({"total": "-x"}, ("It is doubled",))


def test_as_a_decorator_it_leaves_the_function_as_it_is():
    catalog = MistakeCatalog("check-sum", "total")

    @catalog("It is negative", "Look at the sign.")
    def negative(x: int) -> int:
        return -x

    assert negative(3) == -3
    assert catalog.mistakes[0].code == {"total": negative}


def test_a_catalogue_with_another_make_adds_to_the_same_list():
    catalog = MistakeCatalog("check-sum", "total")
    of_words = replace(catalog, make=str.upper, teach="Say it.")
    catalog("It is low", "Raise it.")("low")
    of_words("It is high", "Lower it.")("high", "higher")
    low, high = catalog.mistakes
    assert (low.code, low.teach) == ({"total": "low"}, "")
    assert [way.code for way in high.ways] == [{"total": "HIGH"}, {"total": "HIGHER"}]
    assert high.teach == "Say it."


def test_combined_mistakes_are_made_of_every_way():
    catalog = MistakeCatalog("check-sum", "total")
    catalog("It is doubled", "Add once.", "turned")("2 * x", "x + x")
    catalog("It is lost", "Return it.")("None")
    catalog.combine("turned", lambda code: f"-({code})")
    *_, both = catalog.mistakes
    assert (both.name, both.hint) == ("It is doubled, and turned", "Add once.")
    assert [way.code for way in both.ways] == [{"total": "-(2 * x)"}, {"total": "-(x + x)"}]
