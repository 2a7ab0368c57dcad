import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiovq.data.text.sentences import sentences


@pytest.mark.parametrize(
    "text, expected",
    [
        ("One. Two!  Three?\nFour", ["One.", "Two!", "Three?", "Four"]),
        (
            "It is 3.5 m. Dr. Smith (J. Smith) agrees, e.g. now.",
            ["It is 3.5 m.", "Dr. Smith (J. Smith) agrees, e.g. now."],
        ),
        ("“Why?” he asked. “No.” She left.", ["“Why?” he asked.", "“No.”", "She left."]),
        ("Wait... what? Oh… Well.", ["Wait... what?", "Oh…", "Well."]),
        ("1. ledna 2020. Potom.", ["1. ledna 2020.", "Potom."]),
        ("你好，世界。今天好吗？「好！」是", ["你好，世界。", "今天好吗？", "「好！」", "是"]),
        ("A title\n\nA line\nand its end", ["A title", "A line and its end"]),
        ("Good! 😀 🎉\n\n!!", ["Good! 😀 🎉 !!"]),
        ("\x00\x0b \t", ["\x00"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_the_greek_question_mark() -> None:
    assert sentences("Τι κάνεις; Καλά.", "el") == ["Τι κάνεις;", "Καλά."]
    assert sentences("One; Two.", "en") == ["One; Two."]


def test_long_sentences_are_cut_at_clauses_then_words_then_anywhere() -> None:
    text = "When it rained, as it did, we all sat in the kitchen and nobody spoke"
    assert sentences(text, max_characters=30) == [
        "When it rained, as it did,",
        "we all sat in the kitchen and",
        "nobody spoke",
    ]
    assert sentences("abcdefgh ij", max_characters=3) == ["abc", "def", "gh", "ij"]
    assert sentences("abe\u0301cd", max_characters=3) == ["ab", "e\u0301c", "d"]


def test_no_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="got max_characters=0"):
        sentences("a", max_characters=0)


TEXTS = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="ab .,!?\n\"'(Dr—。，é\u0301😀\u200d3-;:", max_size=400),
    st.lists(st.sampled_from(["Dr.", "3.5", "word", "Next,", "end.", "。", "😀", "\n\n", "x" * 50]), max_size=80).map(
        " ".join
    ),
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 60), st.sampled_from(["en", "el", "zh", None]))
def test_nothing_is_lost_and_all_pieces_fit(text: str, max_characters: int, language: str | None) -> None:
    pieces = sentences(text, language, max_characters)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= max_characters and piece == piece.strip() for piece in pieces)


def test_ten_thousand_characters() -> None:
    text = "The quick brown fox, as ever, jumps over 3.5 lazy dogs of Dr. Smith. " * 145
    pieces = sentences(text)
    assert len(pieces) == 145 and set(pieces) == {text[:68]}
    assert max(map(len, sentences("a" * 10000))) == 250
