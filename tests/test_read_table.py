"""A reader's own table: what spreadsheets, dataframes and publishers write is read or refused."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_helpers.data import DataError, Example, read_table

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a table into a file; return its path."""

    def to_file(content: str | bytes, name: str = "t.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return to_file


# ---------------------------------------------------------------- read

EXPECTED = ([Example("a film, seen", 1), Example("b", 0)], ["bad", "good"])
CSV = 'text,label\n"a film, seen",good\nb,bad\n'
TABS = "text\tlabel\na film, seen\tgood\nb\tbad\n"
GOOD: dict[str, str | tuple[str, ...]] = {
    "quoted commas": CSV,
    "semicolons": "text;label\na film, seen;good\nb;bad\n",
    "semicolons, quoted": '"text";"label"\n"a film, seen";"good"\n"b";"bad"\n',
    "semicolons in a file of tabs' name": ("text;label\na film, seen;good\nb;bad\n", "t.tsv"),
    "tabs": (TABS, "t.tsv"),
    "tabs, suffix in capitals": (TABS, "t.TSV"),
    "tabs, .txt": (TABS, "t.txt"),
    "tabs, .tab": (TABS, "t.tab"),
    "tabs, .csv": (TABS, "t.csv"),
    "tabs, everything quoted": '"text"\t"label"\n"a film, seen"\t"good"\n"b"\t"bad"\n',
    "byte order mark": (CSV, "t.csv", "utf-8-sig"),
    "a spreadsheet's Unicode text": (TABS, "t.txt", "utf-16"),
    "CRLF": CSV.replace("\n", "\r\n"),
    "CR alone": CSV.replace("\n", "\r"),
    "header in capitals": CSV.replace("text,label", "Text,LABEL"),
    "header with spaces": CSV.replace("text,label", " text\u00a0, label "),
    "header in quotation marks": CSV.replace("text,label", '"text","label"'),
    "spaces before quotation marks": '"text", "label"\n"a film, seen", "good"\n "b" , "bad" \n',
    "other columns, other order": 'id,label,note,text\n1,good,,"a film, seen"\n2,bad,x,b\n',
    "a dataframe's index": ',text,label\n0,"a film, seen",good\n1,b,bad\n',
    "empty columns at the end": 'text,label,,\n"a film, seen",good,,\nb,bad,,\n',
    "empty columns of the header": 'text,label,,\n"a film, seen",good\nb,bad\n',
    "empty columns in some rows": 'text,label\n"a film, seen",good,, \nb,bad\n',
    "blank lines": "\n" + CSV.replace("\nb", "\n\n \nb") + "\n\n",
    "blank rows": ",\n" + CSV.replace("\nb", '\n,\n"",""\nb') + ",\n,\n",
    "no newline at the end": CSV.rstrip("\n"),
    "spaces around": 'text , label\n"a film, seen ", good\n b ,bad \n',
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_table_is_read_whole(write: Write, case: str) -> None:
    content = GOOD[case]
    path = write(*content) if isinstance(content, tuple) else write(content)
    assert read_table(str(path)) == EXPECTED


def test_newlines_and_quotation_marks_inside_a_field_are_kept(write: Write) -> None:
    path = write('text,label\n"two\nlines, ""quoted""",good\nsay "b",bad\n')
    assert [text for text, *_ in read_table(path)[0]] == ['two\nlines, "quoted"', 'say "b"']


def test_a_text_can_be_longer_than_the_csv_module_allows_at_first(write: Write) -> None:
    csv.field_size_limit(131_072)  # as it is when Python starts
    long = "word, " * 50_000
    examples, _ = read_table(write(f'text,label\n"{long}",good\nb,bad\n'))
    assert examples[0].text == long.strip()


# ---------------------------------------------------------------- what quotation marks do in tabs

PUBLISHED = ['"Oh no" she said', 'he said "no"', '"no', 'yes"', '"', '"Fine."', '5" x 3"']
SPREADSHEET = ['She said "no"', '"Fine."', "two\nlines", "a\ttab", "plain"]


def test_published_tabs_are_read_as_they_are(write: Write) -> None:
    path = write("text\tlabel\n" + "".join(f"{t}\t{i % 2}\n" for i, t in enumerate(PUBLISHED)))
    assert [example.text for example in read_table(path)[0]] == PUBLISHED


@pytest.mark.parametrize("shown_by", range(4))
def test_a_spreadsheets_tabs_are_read_without_their_marks(write: Write, shown_by: int) -> None:
    file, texts = io.StringIO(), [SPREADSHEET[shown_by], "plain"]
    rows = [("text", "label"), *zip(texts, "01", strict=True)]
    csv.writer(file, delimiter="\t").writerows(rows)
    assert [example.text for example in read_table(write(file.getvalue()))[0]] == texts


UNDECIDED = {
    "only whole fields": ('a\t0\n"Fine."\t1\n', 3, ["a", '"Fine."'], ["a", "Fine."]),
    "two whole readings": ('"b\t0\nd"\t1\na\t0\n', 2, ['"b', 'd"', "a"], ["b\t0\nd", "a"]),
    "both ways": ('"a ""b"""\t0\nc "d"\t1\n', 3, ['"a ""b"""', 'c "d"'], ['a "b"', 'c "d"']),
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_marks_between_tabs_that_show_nothing_are_asked_about(write: Write, case: str) -> None:
    rows, line, kept, enclosing = UNDECIDED[case]
    path = write("text\tlabel\n" + rows)
    with pytest.raises(
        DataError, match=rf"line {line}: .*may enclose .* or belong to it"
    ) as caught:
        read_table(path)
    assert "quoted=True" in str(caught.value) and "quoted=False" in str(caught.value)
    for quoted, texts in ((False, kept), (True, enclosing)):
        assert [e.text for e in read_table(path, quoted=quoted)[0]] == texts


# ---------------------------------------------------------------- labels


def labels_of(write: Write, *labels: str, mark: str = ",", **options: object) -> tuple:
    rows = "".join(f'a{mark}"{label}"\n' for label in labels)
    examples, names = read_table(write(f"text{mark}label\n{rows}"), **options)
    return [example.label for example in examples], names


@pytest.mark.parametrize(
    ("labels", "ids", "names"),
    [
        (("1", "1.0", "0", "0.0"), [1, 1, 0, 0], ["0", "1"]),
        (("1.0", "0.0"), [1, 0], ["0.0", "1.0"]),
        (("01", "1", "1e0", "+1", "-1"), [1, 1, 1, 1, 0], ["-1", "1"]),
        (("10", "2", "1"), [2, 1, 0], ["1", "2", "10"]),
        (("12345678901234567", "12345678901234568"), [0, 1], None),
        (("1,0", "1", "0"), [1, 1, 0], ["0", "1"]),
        (("0,5", "0.5", "10"), [0, 0, 1], ["0,5", "10"]),
        (("10", "2", "none"), [0, 1, 2], ["10", "2", "none"]),
        (("inf", "nan1", "1"), [1, 2, 0], ["1", "inf", "nan1"]),
    ],
)
def test_numbers_are_one_label_each_however_written(
    write: Write, labels: tuple[str, ...], ids: list[int], names: list[str] | None
) -> None:
    found = labels_of(write, *labels, mark=";")
    assert found == (ids, names or list(labels))


def test_a_comma_is_a_decimal_one_between_semicolons_alone(write: Write) -> None:
    assert labels_of(write, "1,0", "1", "0")[1] == ["0", "1", "1,0"]


def test_labels_keep_the_order_and_the_spelling_that_are_given(write: Write) -> None:
    given = labels_of(write, "good", "bad", labels=["good", "so-so", "bad"])
    assert given == ([0, 2], ["good", "so-so", "bad"])
    assert labels_of(write, "1.0", "0", labels=["1", "0"]) == ([0, 1], ["1", "0"])
    assert labels_of(write, "1", "0", labels=[0, 1]) == ([1, 0], ["0", "1"])
    both = ["1", "1.0"]
    assert labels_of(write, *both, labels=both) == ([0, 1], both)


@pytest.mark.parametrize(
    "pair", [("good", "Good"), ("TRUE", "True"), ("so so", "so  so"), ("é", "e\u0301")]
)
def test_two_spellings_of_a_word_are_asked_about(write: Write, pair: tuple[str, str]) -> None:
    with pytest.raises(DataError, match=r"line \d: unknown label .*spelling.*name it in `labels`"):
        labels_of(write, *pair, "bad")
    assert labels_of(write, *pair, labels=pair) == ([0, 1], list(pair))


def test_two_spellings_of_a_number_among_words_are_asked_about(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 3: unknown label '1\.0'"):
        labels_of(write, "1", "1.0", "unsure")


@pytest.mark.parametrize("label", ["nan", "NaN", "NA", "N/A", "#N/A", "<NA>", "None", "NULL", ""])
def test_a_missing_label_is_no_class_unless_it_is_named(write: Write, label: str) -> None:
    with pytest.raises(DataError, match=r"line 4: the label is missing.*fill it in or delete"):
        labels_of(write, "1", "0", label)
    given = labels_of(write, "1", "0", label, labels=["0", "1", label]) if label else None
    assert given in (None, ([1, 0, 2], ["0", "1", label]))


def test_labels_that_are_given_are_no_rows(write: Write) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: 0 rows with 2 labels.*add rows"):
        labels_of(write, labels=["bad", "good"])


def test_an_unknown_label_is_named_beside_the_known_ones(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 3: unknown label 'godo'.*\['bad', 'good'\]"):
        labels_of(write, "good", "godo", labels=["bad", "good"])


# ---------------------------------------------------------------- refused

HEADER, MARK = "no header with the columns", "a quotation mark opens here"
BAD: dict[str, tuple[str | bytes, int | None, str, str]] = {
    "no text column": ("words,label\na,x\n", 1, HEADER, "'words,label'"),
    "no label column": ("text,class\na,x\n", 1, HEADER, "name each once"),
    "no header": ("a,x\nb,y\n", 1, HEADER, "'a,x'"),
    "another separator": ("text|label\na|x\n", 1, HEADER, "commas, semicolons or tabs"),
    "a line that names the separator": ("sep=;\ntext;label\na;x\n", 1, HEADER, "'sep=;'"),
    "two text columns": ("text,label,Text\na,x,b\n", 1, HEADER, "once"),
    "the header again": (CSV + "Text,Label\nc,bad\n", 4, "the label is missing", "delete the row"),
    "empty text": ("text,label\na,x\n ,y\n", 3, "the text is missing", "delete the row"),
    "empty label": ("text,label\na,x\nb,\n", 3, "the label is missing", "fill it in"),
    "Latin-1": (CSV.encode() + b"caf\xe9,bad\n", 4, "byte 0xe9 is not UTF-8", "in UTF-8"),
    "UTF-16 without a mark": (CSV.encode("utf-16-le"), 1, "byte 0x00 is not UTF-8", "in UTF-8"),
    "half a UTF-16 file": (CSV.encode("utf-16")[:-1], 3, "is not UTF-16", "in UTF-8"),
    "UTF-32": (CSV.encode("utf-32"), 1, HEADER, "commas"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00", 1, "byte 0x00 is not UTF-8", "CSV UTF-8"),
    "a NUL": ("text,label\na,x\nb\0,y\n", 3, "byte 0x00 is not UTF-8 text", "in UTF-8"),
    "empty": ("", 1, HEADER, "name each once"),
    "blank": ("\n \n,,\n", 1, HEADER, "name each once"),
    "header alone": ("text,label\n", None, "0 rows", "add rows"),
    "one label": ("text,label\na,x\nb,x\n", None, "2 rows with 1 labels ['x']", "needs"),
    "too many fields": ("text,label\na,x\nb, c,y\n", 3, "3 fields, but the header has 2", "marks"),
    "too few fields": ("text\tlabel\na\tx\nb y\n", 3, "1 fields, but", "between quotation marks"),
    "too few, the last column": ("text,label,by\na,x,me\nb 1,y\n", 3, "2 fields, but", "marks"),
    "broken text": ("text,label\na,x\nb\nc,y\n", 3, "1 fields, but", "or a newline"),
    "rows of semicolons": ("text,label\na;x\nb;y\n", 2, "1 fields, but", "separator"),
    "an open mark": ('text,label\na,x\n"b,y\nc,x\nd,y\n', 3, MARK, "close it"),
    "an open mark, another below": ('text,label\na,x\n"b,y\nc,x\n"d",y\n', 3, MARK, "close it"),
    "an open mark late in its row": ('id,text,label\n"1\n2","b,y\n', 3, MARK, "close it"),
    "an open mark in a long file": ('text,label\n"b,y\n' + "c,x\n" * 50_000, 2, MARK, "close it"),
    "a bare mark": ('text,label\na,x\n"b" said c,y\n', 3, MARK, 'one inside as two ("")'),
    "two bare marks": ('text,label\n"b" said c,y\n"d" said e,y\n', 2, MARK, "close it"),
    "a header quoted, a mark open": ('"text"\t"label"\n"a"\t"x"\n"b\t"y"\n', 3, MARK, "close it"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_answered_with_file_line_and_remedy(write: Write, case: str) -> None:
    content, line, problem, remedy = BAD[case]
    with pytest.raises(DataError) as caught:
        read_table(write(content))
    where, what = str(caught.value).split(": ", 1)
    assert where == (f"t.csv, line {line}" if line else "t.csv")
    found, advice = what.split("What to do: ")
    assert problem in found
    assert remedy in advice


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_numbers_count_the_newlines_inside_fields(write: Write, newline: str) -> None:
    content = 'text,label\n"three\nlines\nlong",good\n\nb,bad\n,good\n'
    with pytest.raises(DataError, match=r"line 7: the text is missing"):
        read_table(write(content.replace("\n", newline)))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^mine\.csv: there is no such file.*check the path"):
        read_table(tmp_path / "mine.csv")


# ---------------------------------------------------------------- tables made at random

ALPHABET = ["a", "é", "😀", " ", " ", ",", ";", '"', '"', "'", "\t", "\n", "\\", "1"]


def invented(rng: random.Random, letters: list[str]) -> list[tuple[str, str]]:
    texts = ["".join(rng.choices(letters, k=rng.randrange(1, 9))) + "." for _ in range(8)]
    return [(text, rng.choice(["yes", "no"])) for text in texts] + [("a", "yes"), ("b", "no")]


def given_back(path: Path, **options: bool) -> list[tuple[str, str]]:
    examples, names = read_table(path, **options)
    return [(example.text, names[example.label]) for example in examples]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_writer_writes_is_read_back(
    write: Write, mark: str, quoting: int, newline: str, encoding: str
) -> None:
    rng = random.Random(f"{mark}{quoting}{newline}{encoding}")
    for _ in range(20):
        rows, file = invented(rng, ALPHABET), io.StringIO()
        rows.append(('a "sure" sign', "yes"))  # doubled by the writer
        writer = csv.writer(file, delimiter=mark, quoting=quoting, lineterminator=newline)
        writer.writerows([("text", "label"), *rows])
        path = write(file.getvalue(), encoding=encoding)
        assert given_back(path) == [(text.strip(), label) for text, label in rows]


def test_published_tabs_are_read_as_they_are_or_asked_about(write: Write) -> None:
    rng, read = random.Random(5), 0
    for _ in range(300):
        rows = invented(rng, [letter for letter in ALPHABET if letter not in "\t\n"])
        path = write("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
        expected = [(text.strip(), label) for text, label in rows]
        assert given_back(path, quoted=False) == expected
        try:
            assert given_back(path) == expected
            read += 1
        except DataError as error:
            assert "quoted=False" in str(error)
    assert read > 290
