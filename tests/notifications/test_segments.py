import pytest

from notifications.segments import Segments, count_segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),  # in the extension table: two septets each
        ("€" * 81, Segments("GSM-7", 162, 2)),
        ("a" * 152 + "€" + "a" * 7, Segments("GSM-7", 161, 2)),
        # 153 + 153 septets would suffice, but the pair at the border is not split
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 306, 3)),
        ("你" * 70, Segments("UCS-2", 70, 1)),
        ("你" * 71, Segments("UCS-2", 71, 2)),
        ("你" * 134, Segments("UCS-2", 134, 2)),
        ("你" * 135, Segments("UCS-2", 135, 3)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("😀" * 36, Segments("UCS-2", 72, 2)),
        ("😀" * 67, Segments("UCS-2", 134, 3)),  # 33 whole emoji in each part of 67
        ("It’s", Segments("UCS-2", 4, 1)),  # the curly apostrophe
    ],
)
def test_parts_are_counted_according_to_the_standard(text: str, expected: Segments) -> None:
    assert count_segments(text) == expected
