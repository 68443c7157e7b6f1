"""An exchange as programs use it: the steps of one agreement."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.exchange import closing, keyed
from cardscreen.exchange.agreement import Agreement
from cardscreen.exchange.choosing import WHERE
from cardscreen.exchange.home import Home
from cardscreen.exchange.oblivious import holder, seeker
from cardscreen.foundation.process.progress import Tell, in_log
from cardscreen.runs.job import Job

_Path = str | PathLike[str]
_LOG = {
    "at": pl.String,
    "who": pl.String,
    "user": pl.String,
    "agreement": pl.String,
    "step": pl.String,
    "rows": pl.Int64,
    "disclosed": pl.Int64,
    "letter": pl.String,
    "to_letter": pl.String,
    "why": pl.String,
    "sha256": pl.String,
}


class Exchange:
    """Matching with one other institution, under an agreement; neither shows the other a number.

    Each step says which side this is. What a step makes is a `.cse` file for the other side, or a table for this one;
    both sides keep a ledger, and what they need again, sealed, in `exchange/` beside the agreement.

    Args:
        agreement: The agreement's TOML file.

    Raises:
        ConfigError: No such file, or anything in it that makes no sense; tells what and where.

    Source:
        Keyed tokens: HMAC, RFC 2104. Oblivious tokens: RFC 9497, ristretto255-SHA512, verifiable mode. Files:
        AES-256-GCM, NIST SP 800-38D, under keys by HKDF, RFC 5869.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "exchange.key").write_text("0123456789abcdef" * 4)
        >>> (folder / "exchange.key").chmod(0o600)
        >>> _ = (folder / "agreement.toml").write_text('''
        ... id = "operator/bank/2026"
        ... asker = "operator"
        ... answerer = "bank"
        ... purpose = "to find rented bank accounts"
        ... legal_basis = "Art. 6(1)(f) GDPR"
        ... kinds = ["phone"]
        ... valid_until = 2099-12-31
        ... key = { file = "exchange.key" }
        ... ''')
        >>> Exchange(folder / "agreement.toml").log().height
        0
    """

    def __init__(self, agreement: _Path) -> None:
        """Read the agreement."""
        self._agreement = Agreement.read(Path(agreement))

    def __repr__(self) -> str:
        """The agreement's name."""
        return f"Exchange({self._agreement.id!r})"

    def ask(
        self,
        job: Job | _Path,
        out: _Path,
        *,
        where: str = WHERE,
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Ask which identifiers of flagged accounts the other side knows.

        Args:
            job: The job whose newest published run flagged the accounts.
            out: The request, a .cse file for the other side.
            where: Which of the accounts: comparisons joined by `and`, such as `level >= high and source = police`.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, letter (the request's name), accounts, identifiers (how many of each kind), left_out (accounts
            against which only the other side's own lists, or what partners named, speak), earlier_holder (left out,
            since all that is listed was before the present holder had the number), not_asked (chosen accounts that
            carry no value of these kinds that can be asked about), hidden (values with hidden digits: none is asked
            about, so that nobody is clear of them), expires_on.

        Raises:
            InputError: There is no run of the last days, the values are fewer or more than the agreement allows, or
                the agreement has ended.
            ConfigError: The agreement is of another method, or `where` makes no sense.
            Busy: Another step works in the same folder.
        """
        return keyed.ask(self._agreement, _job(job), Path(out), where, force=force, tell=_tell(progress))

    def answer(
        self,
        request: _Path,
        job: Job | _Path,
        out: _Path,
        *,
        feed: _Path | None = None,
        again: bool = False,
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Answer which of the identifiers asked about this side's accounts carry, or how many.

        Args:
            request: What `ask` of the other side wrote.
            job: Whose accounts are screened, by the same engine as a night's.
            out: The answer, a .cse file for the other side.
            feed: A .parquet file with the matches as a list for this side's own store; how to read it is written
                beside it, as TOML.
            again: Answer a request once more; that counts as a disclosure once more.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, letter, to_letter, asked, matches (of each kind, as they are told), not_compared (kinds that
            the job has no column of, or nothing in it that can be read), unread (of each kind, at most how many of a
            hundred cells can't be read; the other side is told it, too), read (rows, no_account: rows that name none,
            and identifiers: of each column cells, missing and rejected ones), accounts, feed.

        Raises:
            InputError: The request was altered, cut off, expired, answered before, is of another agreement or step, or
                past a limit; or what can be read of the accounts is past the job's limits. Nothing is written.
            ConfigError: The job has none of the agreement's kinds, or no key for the feed.
            Busy: Another step works in the same folder.
        """
        tell, place = _tell(progress), None if feed is None else Path(feed)
        return keyed.answer(
            self._agreement, Path(request), _job(job), Path(out), place, again=again, force=force, tell=tell
        )

    def read(self, answer: _Path, out: _Path, *, again: bool = False, force: bool = False) -> dict[str, Any]:
        """Read the other side's answer.

        Args:
            answer: What `answer` of the other side wrote.
            out: A .csv or .parquet file: account_id, identifier, kind, value (masked); of an answer in counts kind,
                matches.
            again: Read it once more.
            force: Write over what is there.

        Returns:
            step, file, letter, to_letter, matches, not_compared (kinds of which the other side has no column, or
            nothing in it that can be read: of these nothing is known), unread (of each kind, at most how many of a
            hundred cells the other side could not read), accounts.

        Raises:
            InputError: As of `answer`, or it answers no request that was made here.
        """
        return keyed.read(self._agreement, Path(answer), Path(out), again=again, force=force)

    def offer(
        self,
        store: _Path,
        out: _Path,
        *,
        sources: Sequence[str] = (),
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Offer a list, as what a function makes of it whose key never leaves this side.

        Args:
            store: The store whose exact listings in force are offered, unless an allow listing holds them.
            out: The offer, a .cse file for the other side.
            sources: Whose listings; none: all but those that came from the other side, or were derived here.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, letter, identifiers (how many of each kind), left_out (listings that can't be offered, by why),
            expires_on.

        Raises:
            InputError: There is nothing to offer, or the agreement has ended.
            ConfigError: Another method, an unknown source, or the extra `exchange` is not installed.
            Busy: Another step works in the same folder.
        """
        return holder.offer(self._agreement, str(store), Path(out), sources, force=force, tell=_tell(progress))

    def blind(
        self,
        job: Job | _Path,
        out: _Path,
        *,
        again: bool = False,
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Ask about this side's own values, blinded: those that were not asked about before.

        Args:
            job: Whose accounts.
            out: The request, a .cse file for the holder.
            again: Ask anew about what was asked and not answered yet.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, letter, identifiers, more (whether there are more than one request may hold), hidden as of
            `ask`, not_compared and read as of `answer`, expires_on.

        Raises:
            InputError: Fewer values are new than the agreement allows, or it has ended; or what can be read of the
                accounts is past the job's limits.
            ConfigError: As of `offer`.
            Busy: Another step works in the same folder.
        """
        tell = _tell(progress)
        return seeker.blind(self._agreement, _job(job), Path(out), again=again, force=force, tell=tell)

    def evaluate(
        self,
        request: _Path,
        out: _Path,
        *,
        again: bool = False,
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Evaluate blinded values; it counts against the agreement's limits, which is what stops enumeration.

        Args:
            request: What `blind` of the other side wrote.
            out: The answer, a .cse file for the other side.
            again: Evaluate a request once more; that counts as a disclosure once more.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, letter, to_letter, asked.

        Raises:
            InputError: As of `answer`.
            ConfigError: As of `offer`.
            Busy: Another step works in the same folder.
        """
        tell = _tell(progress)
        return holder.evaluate(self._agreement, Path(request), Path(out), again=again, force=force, tell=tell)

    def finish(
        self,
        files: _Path | Sequence[_Path],
        out: _Path,
        *,
        job: Job | _Path | None = None,
        feed: _Path | None = None,
        again: bool = False,
        force: bool = False,
        progress: Tell | None = None,
    ) -> dict[str, Any]:
        """Find which of this side's accounts the holder lists.

        Args:
            files: The newest offer, and what was evaluated where there is something new, in any order.
            out: A .csv or .parquet file: account_id, identifier, kind, value (masked).
            job: Whose accounts; None: those of the job that was given to `blind`.
            feed: As of `answer`.
            again: Compare anew what was finished before.
            force: Write over what is there.
            progress: Called with each stage's name.

        Returns:
            step, file, compared (values), matches (values), not_compared and read as of `answer`, accounts, feed.

        Raises:
            InputError: As of `answer`; or a proof does not hold, or the holder's key is another than before.
            ConfigError: As of `offer`.
            Busy: Another step works in the same folder.
        """
        given = [files] if isinstance(files, (str, PathLike)) else files
        return seeker.finish(
            self._agreement,
            [Path(each) for each in given],
            Path(out),
            None if job is None else _job(job),
            None if feed is None else Path(feed),
            again=again,
            force=force,
            tell=_tell(progress),
        )

    def close(self, *, stores: Sequence[str] = (), out: _Path | None = None, force: bool = False) -> dict[str, Any]:
        """End the agreement on this side: all that was kept goes but the ledger.

        Of one that was closed before, it tells again what stands on it, and changes nothing.

        Args:
            stores: Stores that may hold matches, beside those that the ledger knows of.
            out: A .csv or .parquet file for the listings that stand on the agreement.
            force: Write over what is there.

        Returns:
            step, agreement, closed_before (on which day, where it was), file, stores (where was looked), standing: how
            many listings of which source, in which of these, hold or will.

        Raises:
            InputError: Nothing was exchanged here, or one of `stores` is not there.
        """
        return closing.close(self._agreement, stores, None if out is None else Path(out), force=force)

    def log(self) -> pl.DataFrame:
        """The ledger of this side.

        Returns:
            at, who, user, agreement, step, rows (of the file), disclosed (values or matches of which the other side
            learns something by it), letter, to_letter, why (of what was refused), sha256 (of the file).

        Raises:
            InputError: It was changed, and not by this library, or has lost lines, or its last one is cut off.
        """
        home = Home(self._agreement, "")  # whichever side this is
        lines = home.lines()
        home.ledger.require_whole()
        return pl.DataFrame([{name: line.get(name) for name in _LOG} for line in lines], schema=_LOG)


def _job(job: Job | _Path) -> Job:
    return job if isinstance(job, Job) else Job.read(Path(job))


def _tell(progress: Tell | None) -> Tell:
    return in_log(progress) if progress else in_log()
