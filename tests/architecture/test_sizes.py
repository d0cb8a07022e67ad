"""A file that nobody can read at a sitting fails the build."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = {".py", ".js", ".css", ".html"}
LIMIT = 600


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def test_no_file_is_longer_than_600_lines():
    code = [path for path in tracked() if path.suffix in CODE or path.parent.name == "bin"]
    long = {
        str(path.relative_to(ROOT)): length
        for path in code
        if "migrations" not in path.parts and (length := len(path.read_text().splitlines())) > LIMIT
    }

    assert code, "git knows no code: the test looks in the wrong place"
    assert long == {}


def test_readmes_fit_on_three_screens():
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in ("README.md", "README.zh.md")}

    assert {name: length for name, length in lengths.items() if length > 120} == {}
