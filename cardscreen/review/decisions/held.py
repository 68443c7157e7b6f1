"""What a person decides about a held run: publish it after all, or throw it away. Both are put on record."""

from __future__ import annotations

import platform
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cardscreen.foundation.errors import ConfigError, InputError, without_cards
from cardscreen.foundation.files import not_for_others, sha256_of, system_user, write_whole
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.review.find import signer_of, superseded_by
from cardscreen.review.inputs import policy_of
from cardscreen.review.integrity import doubtful_reasons, require_sound
from cardscreen.runs import chain
from cardscreen.runs.brakes import Limits
from cardscreen.runs.folder import is_current, locked, newest, publish, settle, staging, tidy
from cardscreen.runs.manifest import fingerprint, write_json
from cardscreen.runs.messages.showing import PAGE, leaving_out_what_fails, material_of, write_page
from cardscreen.runs.record import HELD, MANIFEST, Base, Finished
from cardscreen.runs.redating import redate
from cardscreen.screening.hits.matches import NOT_JUDGED

#: What tells nothing of a person, and is kept when everything else is removed.
_IMPERSONAL = (MANIFEST, "summary.json", "inputs/job", "inputs/policy")


def approve(run: Finished, by: str, reason: str, *, late: bool = False) -> Finished:
    """Publish a held run; `latest` follows it. Grace runs from the approval: nobody was told before.

    Args:
        run: A held run.
        by: Who decides.
        reason: Why.
        late: Even after `approve_within_days`.

    Returns:
        The published run, whose manifest names the approval, and as `redated` the day from which grace runs, where
        that is later than the run's own.

    Raises:
        ConfigError: It is not held, or nobody decides.
        InputError: Its base is not the newest run any more, its files are not as they were written, or it is too old.
        Busy: Another run, or another approval, works in the same folder.
    """
    decision = _decision(by, reason)
    signer = signer_of(run)
    with not_for_others(), locked(run.output):
        tidy(run.output, signer)
        run = _still_held(run)
        require_sound(run)
        chain.require_signed(run.output, signer, run.run_id)
        _require_current(run)
        _require_founded(run)
        _require_judged(run)
        today = _now().astimezone(ZoneInfo(run.records["timezone"])).date()
        if not late:
            _require_fresh(run, today)
        # A copy is changed, so that an approval that was killed leaves the held run as it was.
        with staging(run.output, run.run_id) as folder:
            shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns(MANIFEST), dirs_exist_ok=True)
            approval = {**decision, "limits": run.records["held"], "late": late, **_redated(run, folder, today)}
            records = {**run.records, "approvals": [*run.records["approvals"], approval]}
            if PAGE in run.records["outputs"]:
                (folder / PAGE).unlink()  # it says that the run is held
                with leaving_out_what_fails():
                    write_page(folder / PAGE, material_of(records, folder, run.output, run.language, policy_of(run)))
            write_json(folder / MANIFEST, {**records, "outputs": _digests(run, folder)})
            settle(folder)
            target = publish(run.output, folder, signer, "approved")
        tidy(run.output, signer)
    return Finished.read(target)


def _redated(run: Finished, folder: Path, today: date) -> dict[str, Any]:
    """Let the days of grace of a copy of the run begin today; what was done for the manifest."""
    if run.records["audit"] or today <= run.as_of:
        return {}
    accounts = redate(folder, run.as_of, today, superseded_by(run))
    return {"redated": {"to": today.isoformat(), "accounts": accounts}}


def _digests(run: Finished, folder: Path) -> dict[str, Any]:
    """The digests of the files of a copy of the run."""
    names = (name for name in run.records["outputs"] if name != PAGE or (folder / name).exists())
    return {name: fingerprint(str(folder / name), named=False) for name in names}


def discard(run: Finished, by: str, reason: str) -> Finished:
    """Throw a held run away: what tells of persons is removed, the manifest stays and says who decided.

    Raises:
        ConfigError: It is not held, or nobody decides.
        Busy: Another run works in the same folder.
    """
    decision = _decision(by, reason)
    signer = signer_of(run)
    with not_for_others(), locked(run.output):
        run = _still_held(run)
        remove_personal(run, "discarded", decision, signer)
    return Finished.read(run.folder)


def remove_personal(
    run: Finished, record: Literal["discarded", "pruned"], decision: dict[str, Any], signer: Signer | None
) -> None:
    """Remove what tells of persons from a run, and say so in its manifest first: a half-removed run is none to use."""

    def write(file: Path) -> None:
        write_json(file, {**run.records, record: {**decision, "removed": personal_files(run)}})
        chain.append(run.output, record, run.run_id, sha256_of(file), signer)

    write_whole(run.folder / MANIFEST, write)
    finish_removing(run)


def finish_removing(run: Finished) -> None:
    """Remove what tells of persons; of a run whose manifest says so already, what was left by one that was killed."""
    for name in personal_files(run):
        (run.folder / name).unlink(missing_ok=True)
    for folder in sorted((each for each in run.folder.rglob("*") if _is_folder(each)), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def personal_files(run: Finished) -> list[str]:
    """The files of a run that tell of persons; what is not known to be harmless is among them, links as well."""
    names = (str(file.relative_to(run.folder)) for file in run.folder.rglob("*") if not _is_folder(file))
    return sorted(name for name in names if not _is_impersonal(name))


def _is_folder(place: Path) -> bool:
    """Whether it is a folder of the run itself: what a link leads to is somebody else's, and stays."""
    return place.is_dir() and not place.is_symlink()


def _is_impersonal(name: str) -> bool:
    return name in _IMPERSONAL or str(Path(name).with_suffix("")) in _IMPERSONAL


def _decision(by: str, reason: str) -> dict[str, Any]:
    if not by.strip() or not reason.strip():
        raise ConfigError("say who decides (--by) and why (--reason): both are kept")
    decision = {"by": without_cards(by), "reason": without_cards(reason)}
    at = _now().isoformat(timespec="seconds")
    return {**decision, "system_user": system_user(), "host": platform.node(), "at": at}


def _now() -> datetime:
    return datetime.now(UTC)


def _still_held(run: Finished) -> Finished:
    """The run as it is now that nobody else works in the folder."""
    place = run.output / HELD / run.run_id
    if (run.output / run.run_id / MANIFEST).exists():
        raise ConfigError(f"run {run.run_id} is published already")
    if not (place / MANIFEST).exists():
        raise ConfigError(f"run {run.run_id} is not held in {run.output}: nothing is to be decided")
    for partial in place.glob(f".{MANIFEST}.*.part"):
        partial.unlink()  # of a decision that was killed
    run = Finished.read(place)
    if run.state != "held":
        raise ConfigError(f"run {run.run_id} was {run.state} already")
    return run


def _require_fresh(run: Finished, today: date) -> None:
    """What a run says of persons ages: lists and accounts have changed since."""
    limit = run.records["limits"].get("approve_within_days", Limits().approve_within_days)
    if (days := (today - run.made_on).days) > limit:
        raise InputError(
            f"run {run.run_id} was made on {run.made_on}, {days} days ago (limit approve_within_days = {limit}): who "
            "was listed then may not be any more. Discard it and run the job again; or, to publish it all the same, "
            "say --late"
        )


def _require_judged(run: Finished) -> None:
    """Of a night that stopped because too many were flagged, nobody knows what follows for the others."""
    if left := run.records["summary"]["rows"].get(NOT_JUDGED):
        raise ConfigError(
            f"run {run.run_id} can't be approved: too many rows are flagged, and of {left:,} others that may be listed "
            "no evidence was collected. Is a list wrong? If all are meant, raise flagged_share under [limits] and run "
            "the job again"
        )


def _require_founded(run: Finished) -> None:
    """Why a run is held is what a person decides on: it must follow from the run's own figures."""
    before = Base.read(run.output / run.base).summary if run.base else None
    doubts = doubtful_reasons(run, before) if run.records["held"] else ["it names no limit that was passed"]
    if doubts:
        raise InputError(
            f"run {run.run_id} can't be approved: {'; '.join(doubts)}. Discard it and run the job again (cardscreen "
            f"audit {run.folder} --replay says what comes out)"
        )


def _require_current(run: Finished) -> None:
    """What a run says holds against its base: where another run was published since, it says nothing."""
    if run.records["audit"]:  # looks back: what matters is that nothing was published before its day
        base = newest(run.output, before=run.as_of)
        current = (base.name if base else None) == run.base
    else:
        current = is_current(run.output, run.folder)
    if not current:
        now = newest(run.output)
        raise InputError(
            f"run {run.run_id} can't be approved any more: run {now.name if now else 'none'}, published since, is not "
            f"the one that it was compared with ({run.base or 'none'}). Discard it and run the job again"
        )
