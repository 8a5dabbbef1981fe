"""Reading data sets: files, Hugging Face, the named sets, what each row means, and errors that name file and line.

No problem in here is of a public data set; the project's own excerpts are read in benchmarks/data, and whatever lies in
the folder TRIGREASON_DATA (or ../shared/data) where there is one.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trigreason_graph.errors import DataError, MissingPackage
from trigreason_graph.evaluation import problems as problems_module
from trigreason_graph.evaluation.answers import is_number
from trigreason_graph.evaluation.problem import Problem
from trigreason_graph.evaluation.problems import ProblemSet, read_problems
from trigreason_graph.evaluation.readers import hub
from trigreason_graph.evaluation.readers.named import FOLDER, NAMED

ROOT = Path(__file__).parent.parent
OURS = sorted((ROOT / "benchmarks" / "data").glob("*.jsonl"))
SHARED = Path(os.environ.get("TRIGREASON_DATA") or ROOT.parent / "shared" / "data")
SUM: Mapping[str, Any] = {"id": "sum", "question": "What is 2 + 2?", "answer": "4"}
SECRET = "which osprey"


def rows_file(path: Path, *rows: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(folder: Path, *rows: Mapping[str, Any], **options: Any) -> ProblemSet:
    return read_problems(rows_file(folder / "mine.jsonl", *rows), **options)


def only(folder: Path, row: Mapping[str, Any], **options: Any) -> Problem:
    (problem,) = read(folder, row, **options).problems
    return problem


# Files


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_own_data(path: Path) -> None:
    read_set = read_problems(path)
    assert read_set.name == path.stem
    assert len(read_set.problems) == int(path.stem.rpartition("_")[2])
    assert {problem.kind for problem in read_set.problems} == {"number"}
    assert all(read_set.is_right(problem, problem.answer) for problem in read_set.problems)
    assert not read_set.private


def test_bom_crlf_blank_lines_and_strange_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    row = '{"id": "a", "question": "2\u2028+ 2?", "answer": "4"}'
    path.write_bytes(b"\xef\xbb\xbf" + (row + "\r\n\r\n" + row.replace('"a"', '"b"') + "\r\n").encode())
    read_set = read_problems(str(path))
    assert [problem.id for problem in read_set.problems] == ["a", "b"]
    assert read_set.problems[0].question == "2\u2028+ 2?"


def test_one_json_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([SUM, {**SUM, "id": 7, "answer": 4.0}], indent=1))
    assert [(problem.id, problem.answer) for problem in read_problems(path).problems] == [("sum", "4"), ("7", "4.0")]


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "?", "answer": 0.10}\n{"question": "!", "answer": 123456789012345678901234567890}\n')
    assert [problem.answer for problem in read_problems(path).problems] == ["0.10", "123456789012345678901234567890"]


def test_csv_and_tsv(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_bytes('\ufeffid,question,answer\r\na,"What is\r\n2, and 2?",4\r\nb,"Say ""east"".",east\r\n'.encode())
    first, second = read_problems(table).problems
    assert (first.id, first.question, first.answer, first.kind) == ("a", "What is\r\n2, and 2?", "4", "number")
    assert (second.question, second.kind) == ('Say "east".', "text")
    tabbed = tmp_path / "mine.tsv"
    tabbed.write_text("problem\tfinal answer\nWhat, then?\t7\n")
    assert read_problems(tabbed).problems == (Problem("mine-0", "What, then?", "7"),)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.jsonl", b'{"id": "a"\n', "a.jsonl, line 1: this is not JSON"),
        (
            "a.jsonl",
            json.dumps(SUM).encode() + b"\n\n[1]x\n",
            "a.jsonl, line 3: this is not JSON (column 4: Extra data)",
        ),
        (
            "a.jsonl",
            b'"text"\n',
            "a.jsonl, line 1: a problem is a JSON object with id, question and answer, not a text",
        ),
        ("a.json", b"[1]", "a.json, item 1: a problem is a JSON object"),
        ("a.json", b"[\n{},\n}]", "a.json, line 3: this is not JSON"),
        ("a.jsonl", b'{"question": "?", "answer": NaN}', "line 1: this is not JSON (NaN is no JSON number)"),
        ("a.jsonl", b'{"question": "?", "answer": ' + b"9" * 5_000 + b"}", "line 1: this is not JSON"),
        ("a.jsonl", json.dumps(SUM).encode() + b'\n{"id": "\xe9"}', "a.jsonl, line 2: this is not UTF-8. Type: iconv"),
        ("a.jsonl", b"", "has no problems in it"),
        ("a.jsonl", b"\xef\xbb\xbf\r\n\r\n", "has no problems in it"),
        ("a.csv", b"", "has no problems in it"),
        ("a.csv", b"id,question,answer\n", "has no problems in it"),
        ("a.csv", b"id,id,answer\na,b,c\n", "a.csv, line 1: two columns have the same name"),
        ("a.csv", b"question,answer\nwhat, then,7\n", "a.csv, line 2: more cells than the first line has names"),
        ("a.csv", b"question,answer\nwhat,7\nwhat\n", "a.csv, line 3: its answer is missing"),
        ("a.csv", b'question,answer\n"what,7\n', "this is not CSV"),
    ],
)
def test_a_broken_file(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_problems(tmp_path / name)
    assert told in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither a file nor a named set .aime24, "):
        read_problems("nothing.jsonl")
    with pytest.raises(DataError, match="is a folder"):
        read_problems(tmp_path)
    with pytest.raises(DataError, match="neither a file"):
        read_problems(f"gsm8k={tmp_path / 'nothing'}")


# Rows


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"id": "a", "answer": "4"}, "mine.jsonl, line 2: its question is missing; fields found: id, answer"),
        ({"id": "a", "question": SECRET}, "line 2: its answer is missing; fields found: id, question. Name others"),
        ({"id": "a", "question": SECRET, "answer": None}, "line 2: its answer is missing"),
        ({"id": "a", "question": SECRET, "answer": [4]}, "line 2: its answer must be a text, not of type list"),
        ({"id": "a", "question": SECRET, "answer": True}, "line 2: its answer must be a text, not of type bool"),
        ({"id": "a", "question": SECRET, "answer": " "}, "line 2: its answer is empty"),
        ({"id": "a", "question": 5.5, "answer": {}}, "line 2: its answer must be a text, not of type dict"),
        ({"id": ["a"], "question": SECRET, "answer": "4"}, "line 2: its id must be a text"),
        ({"id": "sum", "question": SECRET, "answer": "4"}, 'line 2: the id "sum" is also that of mine.jsonl, line 1'),
        ({"id": "a", "question": SECRET, "solution": "So 4."}, "line 2: its solution states its answer neither as"),
        ({"id": "a", "question": SECRET, "solution": "\\boxed{4"}, "line 2: its solution states its answer neither as"),
        ({"id": "a", "question": SECRET, "answer": "x", "kind": "maths"}, 'line 2: there is no kind "maths"'),
        ({"id": "a", "question": SECRET, "answer": "x", "kind": "number"}, "cannot be read as one of kind number"),
        ({"id": "a", "question": SECRET, "answer": "...", "kind": "text"}, "cannot be read as one of kind text"),
        ({"id": "a", "question": SECRET, "answer": "x", "choices": ["x"]}, "must be a list of 2 to 26 texts"),
        ({"id": "a", "question": SECRET, "answer": "x", "choices": "x, y"}, "its choices must be a JSON list"),
        ({"id": "a", "question": SECRET, "answer": "x", "choices": ["x", "x"]}, "two of its choices are the same"),
        ({"id": "a", "question": SECRET, "answer": "x", "choices": ["y", "z"]}, "its answer is none of its options"),
        ({"id": "a", "question": SECRET, "answer": 2, "choices": ["y", "z"]}, "its answer counts options from 0"),
        ({"id": "a", "question": SECRET, "answer": 1, "choices": ["1", "2"]}, "Write the letter instead"),
    ],
)
def test_a_broken_row(tmp_path: Path, row: Mapping[str, Any], told: str) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, SUM, row)
    assert told in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        ({"problem": "2 + 2?", "solution": "It is $\\boxed{4}$."}, "2 + 2?", "4"),
        ({"problem": "A half?", "solution": "\\boxed{1}, no: \\boxed{\\frac{1}{2}}"}, "A half?", "\\frac{1}{2}"),
        ({"problem": "2 + 2?", "solution": "Worked out.", "answer": "4"}, "2 + 2?", "4"),
        ({"question": "2 + 2?", "answer": "2 + 2 = <<2+2=4>>4\n#### 1,004"}, "2 + 2?", "1,004"),
        (
            {"Body": "Ann has 2 figs.", "Question": "How many?", "Answer": 2.0, "ID": "x"},
            "Ann has 2 figs. How many?",
            "2.0",
        ),
        ({"Body": "Ann has 2 figs", "Question": "How many?", "Answer": 2}, "Ann has 2 figs. How many?", "2"),
        ({"question_concat": "2 figs?", "Body": "B", "Question": "Q", "Answer": "2"}, "2 figs?", "2"),
        ({"Prompt": "2 + 2?", "Final Answer": "4"}, "2 + 2?", "4"),
        ({"question": "2 + 2?", "expected-answer": "4"}, "2 + 2?", "4"),
    ],
)
def test_usual_names(tmp_path: Path, row: Mapping[str, Any], question: str, answer: str) -> None:
    problem = only(tmp_path, row)
    assert (problem.question, problem.answer) == (question, answer)


def test_named_fields(tmp_path: Path) -> None:
    row = {"id": "a", "question": "wrong one", "ask": "2 + 2?", "result": "4", "key": "k"}
    problem = only(tmp_path, row, fields={"question": "ask", "answer": "result", "id": "key"})
    assert (problem.id, problem.question, problem.answer) == ("k", "2 + 2?", "4")
    with pytest.raises(DataError, match=r"line 1: it has no field 'reply'; fields found: id, question, "):
        only(tmp_path, row, fields={"answer": "reply"})
    with pytest.raises(ValueError, match="fields names solution; it may name id, question"):
        only(tmp_path, row, fields={"solution": "reply"})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        *((answer, "number") for answer in ("72", "-1,000", "$5", "18 eggs", "\\frac{3}{4}", "50\\%")),
        *((answer, "latex") for answer in ("(2,4)", "x^2+1", "\\sqrt{2}", "52_8", "y = 2x")),
        *((answer, "text") for answer in ("east", "\\text{Evelyn}", "yes", "Ann and Bob")),
    ],
)
def test_the_kind_is_seen_in_the_answer(tmp_path: Path, answer: str, kind: str) -> None:
    assert only(tmp_path, {**SUM, "answer": answer}).kind == kind
    assert only(tmp_path, {**SUM, "answer": answer, "kind": "text"}).kind == "text"
    assert only(tmp_path, {**SUM, "answer": answer, "kind": "text"}, checker="latex").kind == "latex"


# Options


@pytest.mark.parametrize("answer", ["B", "(B)", "five", "Five", 1])
@pytest.mark.parametrize(
    "options",
    [
        {"choices": ["four", "five", "six"]},
        {"options": '["four", "five", "six"]'},
        {"choices": {"text": ["four", "five", "six"], "label": ["A", "B", "C"]}},
        {"options": {"A": "four", "B": "five", "C": "six"}},
        {"A": "four", "B": "five", "C": "six"},
    ],
)
def test_options_keep_their_order(tmp_path: Path, options: Mapping[str, Any], answer: Any) -> None:
    read_set = read(tmp_path, {"question": "2 + 3?", "answer": answer, **options})
    (problem,) = read_set.problems
    assert problem.choices == ("four", "five", "six")
    assert (problem.kind, problem.answer) == ("choice", "B")
    assert problem.question == "2 + 3?\n\n(A) four\n(B) five\n(C) six\n\nAnswer with the letter of the right option."
    assert read_set.is_right(problem, "(b)")
    assert read_set.is_right(problem, "five")
    assert not read_set.is_right(problem, "A")
    assert not read_set.is_right(problem, None)


@pytest.mark.parametrize(
    ("choices", "answer", "right"),
    [
        ({"text": ["four", "five", "six"], "label": ["1", "2", "3"]}, "2", "B"),
        ({"text": ["four", "five", "six"], "label": ["C", "A", "B"]}, "A", "B"),
        ({"text": ["four", "five", "six"], "label": ["C", "A", "B"]}, "five", "B"),
        ({"K": "four", "M": "five", "Z": "six"}, "M", "B"),
    ],
)
def test_options_are_named_as_the_data_names_them(
    tmp_path: Path, choices: Mapping[str, Any], answer: str, right: str
) -> None:
    (problem,) = read(tmp_path, {"question": "2 + 3?", "choices": choices, "answer": answer}).problems
    assert (problem.choices, problem.answer) == (("four", "five", "six"), right)


def test_options_of_which_one_is_missing_or_two_could_be_meant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has the options A, C; none may be missing"):
        read(tmp_path, {"question": "2 + 3?", "A": "four", "C": "six", "answer": "C"})
    numbered = {"text": ["four", "five", "six"], "label": ["1", "2", "3"]}
    with pytest.raises(DataError, match="name an option or count from 0"):
        read(tmp_path, {"question": "2 + 3?", "choices": numbered, "answer": 1})


def test_data_that_is_nested_too_deeply(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"question": ' + "[" * 100_000)
    with pytest.raises(DataError, match=r"deep.jsonl, line 1: this is not JSON \(nested too deeply\)"):
        read_problems(path)


def graduate(number: int) -> dict[str, str]:
    wrong = {f"Incorrect Answer {place}": f"wrong {place} of {number}" for place in (1, 2, 3)}
    return {
        "Record ID": f"rec{number}",
        "Question": f"{SECRET} {number}?",
        "Correct Answer": f"right {number}",
        **wrong,
    }


def test_gpqa_options_are_shuffled_by_the_seed(tmp_path: Path) -> None:
    path = rows_file(tmp_path / "g.jsonl", *map(graduate, range(40)))
    source = f"gpqa_diamond={path}"
    first, again, other = read_problems(source), read_problems(source), read_problems(source, seed=1)
    assert first == again
    assert first.sha256 == again.sha256 != other.sha256
    assert [problem.choices for problem in first.problems] != [problem.choices for problem in other.problems]
    assert set(Counter(problem.answer for problem in first.problems)) == set("ABCD")
    for number, problem in enumerate(first.problems):
        assert (problem.id, problem.kind) == (f"rec{number}", "choice")
        assert problem.choices["ABCD".index(problem.answer)] == f"right {number}"
        assert sorted(problem.choices) == sorted([f"right {number}", *(f"wrong {n} of {number}" for n in (1, 2, 3))])
    assert read_problems(source, limit=3).problems == first.problems[:3], "a limit changes no order of options"


def test_private_questions_show_nowhere(tmp_path: Path) -> None:
    path = rows_file(tmp_path / "g.jsonl", graduate(1), graduate(2))
    read_set = read_problems(f"gpqa_diamond={path}")
    assert read_set.private
    assert read_set.name == "gpqa_diamond"
    shown = repr(read_set) + str(read_set.problems)
    assert SECRET not in shown
    assert "right 1" not in shown
    assert "wrong" not in shown
    with pytest.raises(DataError) as error:
        read_problems(f"gpqa_diamond={rows_file(tmp_path / 'h.jsonl', graduate(1), graduate(1))}")
    assert "right" not in str(error.value)
    assert SECRET not in str(error.value)
    assert read(tmp_path, SUM, private=True).private


# The set


def test_limit_sample_and_hash(tmp_path: Path) -> None:
    rows = [{**SUM, "id": str(number)} for number in range(50)]
    everything = read(tmp_path, *rows)
    assert len(everything.problems) == 50
    assert read(tmp_path, *rows, limit=5).problems == everything.problems[:5]
    assert read(tmp_path, *rows, limit=500).sha256 == everything.sha256
    drawn = [read(tmp_path, *rows, sample=10, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert drawn[0].sha256 != drawn[2].sha256
    ids = [int(problem.id) for problem in drawn[0].problems]
    assert len(set(ids)) == 10
    assert ids == sorted(ids)
    assert ids == sorted(random.Random(0).sample(range(50), 10))
    assert read(tmp_path, *rows, sample=50).problems == everything.problems
    with pytest.raises(ValueError, match="give one of the two"):
        read(tmp_path, *rows, limit=5, sample=5)
    with pytest.raises(ValueError, match="at least 1"):
        read(tmp_path, *rows, limit=0)


def test_the_hash_is_of_the_problems_not_of_the_file(tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("answer,id,question\n4,sum,What is 2 + 2?\n")
    assert read_problems(table).sha256 == read(tmp_path, SUM).sha256
    assert read_problems(table, checker="text").sha256 == read(tmp_path, SUM).sha256
    assert read(tmp_path, {**SUM, "answer": "5"}).sha256 != read(tmp_path, SUM).sha256


def test_the_users_own_checker(tmp_path: Path) -> None:
    read_set = read(tmp_path, SUM, checker=lambda stated, right: stated == f"<{right}>")
    assert read_set.is_right(read_set.problems[0], "<4>")
    assert not read_set.is_right(read_set.problems[0], "4")
    with pytest.raises(ValueError, match="no checker 'maths'"):
        read(tmp_path, SUM, checker="maths")


def test_latex_without_math_verify_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingPackage("Type: pip install")

    monkeypatch.setattr(problems_module, "require_math_verify", missing)
    with pytest.raises(MissingPackage):
        read(tmp_path, {**SUM, "answer": "x^2"})
    assert read(tmp_path, {**SUM, "answer": "x^2"}, checker="text").problems[0].kind == "text"
    assert read(tmp_path, SUM).problems


# Hugging Face


@pytest.fixture
def folder_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of two splits as the hub would hold it, in a folder; the cache of `datasets` in another."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "sums"
    folder.mkdir()
    rows_file(folder / "train.jsonl", {**SUM, "id": "t"})
    rows_file(folder / "test.jsonl", SUM, {**SUM, "id": "other", "answer": "04"})
    return folder


def test_a_hugging_face_data_set_of_a_folder(folder_set: Path) -> None:
    assert [problem.id for problem in read_problems(f"hf:{folder_set}").problems] == ["sum", "other"]
    assert [problem.id for problem in read_problems(f"hf:{folder_set}@train").problems] == ["t"]
    assert [problem.id for problem in read_problems(f"hf:{folder_set}:default@test", limit=1).problems] == ["sum"]
    with pytest.raises(DataError, match=r"could not be loaded .*Unknown split"):
        read_problems(f"hf:{folder_set}@validation")


def test_a_broken_row_of_a_hugging_face_set(folder_set: Path) -> None:
    rows_file(folder_set / "train.jsonl", {**SUM, "answer": "four"})
    with pytest.raises(DataError, match=r"@train, row 0: its answer cannot be read as one of kind number"):
        read_problems(f"hf:{folder_set}@train", checker="number")


def loaded(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> list[tuple[Any, ...]]:
    """What is asked of `datasets`, which answers by `outcome`."""
    import datasets

    asked: list[tuple[Any, ...]] = []

    def load_dataset(path: str, config: str | None, *, split: str | None) -> Any:
        asked.append((path, config, split))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_names_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = loaded(monkeypatch, {"test": [SUM], "train": []})
    read_problems("hf:owner/name")
    read_problems("hf:owner/name:main")
    assert asked == [("owner/name", None, None), ("owner/name", "main", None)]
    loaded(monkeypatch, {"only": [SUM]})
    assert read_problems("hf:owner/name").name == "owner/name"
    loaded(monkeypatch, {"one": [SUM], "two": []})
    with pytest.raises(DataError, match=r"several splits\. Add one of: @one, @two"):
        read_problems("hf:owner/name")
    for broken in ("hf:", "hf:a@b@c", "hf:a:b:c"):
        with pytest.raises(DataError, match="is no name of a data set"):
            read_problems(broken)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ConnectionError("Couldn't reach the hub"),
            "ConnectionError: Couldn't reach the hub). Check the name and the network",
        ),
        (FileNotFoundError("Dataset 'a/b' doesn't exist"), "Dataset 'a/b' doesn't exist). Check the name"),
        (
            RuntimeError("Dataset 'a/b' is a gated dataset on the Hub."),
            "huggingface.co/datasets/a/b, and type: hf auth login",
        ),
    ],
)
def test_what_the_hub_refuses(monkeypatch: pytest.MonkeyPatch, error: Exception, told: str) -> None:
    loaded(monkeypatch, error)
    with pytest.raises(DataError) as raised:
        read_problems("hf:a/b")
    assert told in str(raised.value)


def test_a_loader_quotes_nothing_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    loaded(monkeypatch, ValueError(f"cannot parse {SECRET}"))
    with pytest.raises(DataError) as raised:
        read_problems("gpqa_diamond")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_without_a_network() -> None:
    with pytest.raises(DataError, match=r"could not be loaded .*Check the name and the network; without one"):
        hub.read_hub("hf:nobody/nothing-of-this-name@test")


def test_without_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackage, match=r"trigreason-graph\[evaluation\]"):
        read_problems("hf:owner/name")


# Named sets

AS_PUBLISHED: Mapping[str, tuple[tuple[str, str | None, str], Mapping[str, Any]]] = {
    "aime24": (
        ("HuggingFaceH4/aime_2024", None, "train"),
        {"id": 60, "problem": "?", "solution": "s", "answer": "073"},
    ),
    "aime25": (("math-ai/aime25", None, "test"), {"problem": "?", "answer": "73", "id": "0"}),
    "math500": (
        ("HuggingFaceH4/MATH-500", None, "test"),
        {
            "problem": "?",
            "solution": "\\boxed{73}",
            "answer": "73",
            "subject": "Algebra",
            "level": 2,
            "unique_id": "t/1",
        },
    ),
    "gsm8k": (("openai/gsm8k", "main", "test"), {"question": "?", "answer": "70 + 3 = 73\n#### 73"}),
    "svamp": (
        ("ChilleD/SVAMP", None, "test"),
        {"ID": "chal-1", "Body": "b", "Question": "q", "question_concat": "b q", "Answer": "73.0", "Type": "Sum"},
    ),
    "gpqa_diamond": (("Idavidrein/gpqa", "gpqa_diamond", "train"), graduate(73)),
}
"""The columns that each has on the hub, with made-up values."""


@pytest.mark.parametrize("name", NAMED)
def test_a_named_set_in_its_published_form(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    place, row = AS_PUBLISHED[name]
    asked = loaded(monkeypatch, [row])
    read_set = read_problems(name)
    assert asked == [place]
    (problem,) = read_set.problems
    assert (read_set.name, problem.kind) == (name, NAMED[name].kind)
    assert read_set.is_right(problem, "right 73" if name == "gpqa_diamond" else "73")
    assert not read_set.is_right(problem, "wrong 1 of 73" if name == "gpqa_diamond" else "74")
    assert read_set.private is (name == "gpqa_diamond")


def test_the_users_copy_of_a_named_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    asked = loaded(monkeypatch, [{"question": "?", "answer": "1"}])
    rows_file(tmp_path / "math500.jsonl", SUM)
    assert read_problems("math500").problems[0].kind == "latex"
    assert asked == []
    read_problems("gsm8k")
    assert asked == [("openai/gsm8k", "main", "test")]
    elsewhere = rows_file(tmp_path / "mine.jsonl", SUM)
    assert read_problems(f"svamp={elsewhere}").name == "svamp"


# All data there is


@pytest.mark.parametrize(
    ("name", "source"),
    [(name, f"{name}={{}}") for name in ("aime24", "aime25")]
    + [(f"{name}_dev", f"{name}={{}}") for name in ("gsm8k", "svamp", "math500")]
    + [("math500_dev", "{}")],
)
def test_gold_answers_of_whole_data_sets(name: str, source: str) -> None:
    path = SHARED / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"NOT TESTED: no {path.name}; set TRIGREASON_DATA to the folder that has it")
    read_set = read_problems(source.format(path))
    assert all(read_set.is_right(problem, problem.answer) for problem in read_set.problems)
    assert not any(read_set.is_right(problem, None) for problem in read_set.problems)
    golds = {problem.answer: problem for problem in read_set.problems}
    plain = [answer for answer in golds if is_number(answer)]
    draw = random.Random(0)
    for answer, problem in golds.items():
        others = plain if is_number(answer) else draw.sample(sorted(golds), 3)
        same = [other for other in others if other != answer and read_set.is_right(problem, other)]
        assert all(_value(other) == _value(answer) for other in same), (answer, same)
    if name.startswith("aime"):
        assert all(0 <= int(problem.answer) <= 999 for problem in read_set.problems)


def _value(answer: str) -> str:
    """For the few answers of MATH that are the same number: "\\\\frac14", "15\\\\mbox{ cm}^2"."""
    plain = answer.replace("\\frac14", "\\frac{1}{4}").partition("\\mbox")[0].strip()
    return plain.replace("\\!", "").replace(",", "")
