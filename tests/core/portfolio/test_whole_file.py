"""`write_whole`: the old content or the new, whoever else is writing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from nanobook_core.portfolio.whole_file import write_whole


def test_what_is_there_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "result.json"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_one_file_leave_one_whole_content(tmp_path):
    path = tmp_path / "result.json"
    contents = [bytes([65 + number]) * 10_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            list(threads.map(lambda content: write_whole(path, content), contents))
            assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "result.json"
    folder.mkdir()
    with pytest.raises(OSError, match=r"result\.json"):
        write_whole(folder, b"content")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("place", ["missing/result.json", "file/result.json"])
def test_what_cannot_be_written_is_called_by_its_own_name(tmp_path, place):
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises((FileNotFoundError, NotADirectoryError)) as caught:
        write_whole(tmp_path / place, b"content")
    assert caught.value.filename == str(tmp_path / place)
