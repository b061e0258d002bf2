"""What is kept between runs is written through no link."""

import pytest

from etl.alerts.file import FileStore
from etl.alerts.incidents import Inspection, StoreError, reconcile
from etl.health.findings import Finding
from etl.jobs.unrecorded import FailedRun, read, write


@pytest.mark.parametrize("name", ["unrecorded", "alerts"])
def test_what_is_kept_between_runs_is_written_through_no_link(name, tmp_path, victim, caplog):
    (tmp_path / f"{name}.json").symlink_to(victim / "kept")
    (tmp_path / f"{name}.new").symlink_to(victim / "kept")
    if name == "unrecorded":
        write(
            tmp_path / "unrecorded.json",
            [FailedRun("embedded", "plays", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00")],
        )
        assert "is a symbolic link, which is not replaced" in caplog.text
        assert read(tmp_path / "unrecorded.json") == []
    else:
        (tmp_path / "alerts.json").unlink()
        list(
            reconcile(
                Inspection("plays", (Finding("a", "failing", "A", "B"),)),
                FileStore(tmp_path / "alerts.json", lambda *_: None),
            )
        )
        assert '"cause": "a"' in (tmp_path / "alerts.json").read_text()
        (tmp_path / "alerts.json").unlink()
        (tmp_path / "alerts.json").symlink_to(victim / "absent")
        with pytest.raises(StoreError):
            list(
                reconcile(
                    Inspection("plays", (Finding("a", "failing", "A", "B"),)),
                    FileStore(tmp_path / "alerts.json", lambda *_: None),
                )
            )
    assert (victim / "kept").read_text() == "kept" and not (victim / "absent").exists()
