from audiovq.data.words import can_be_printed, squeeze


def test_words_are_on_one_line_and_lose_no_mark() -> None:
    assert squeeze(" a\tb\u3000\x07c\r\nd\x85\x00") == "a b c d"
    assert squeeze("e\u200dé\u00ad \ue000 日本") == "e\u200dé\u00ad \ue000 日本"


def test_printable_is_what_c_calls_so() -> None:
    assert can_be_printed("a\tb\u3000 \u200d\ue000")
    assert not any(map(can_be_printed, ("\x07", "a\x9f", "\uffff", "\u0378")))
