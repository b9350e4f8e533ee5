"""What was published of releases, hosts and catalogs, with sources and days: the content of lifecycle.yaml."""

import datetime
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from itertools import chain
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lint.views.versions import Minor, Version, minor, version

# How long before the end of support a release is reported: time for one upgrade, and no noise about what is far away.
NOTICE = datetime.timedelta(days=90)
# When it is time to act: nobody takes a release for wrong that has some months to live.
LAST_DAYS = datetime.timedelta(days=30)

_Text = Annotated[str, Field(min_length=1)]


def _release(text: str) -> str:
    if minor(text) is None:
        raise ValueError("a release is written as 1.30")
    return text


def _full(text: str) -> str:
    if version(text) is None:
        raise ValueError("a version is written as 1.30.4")
    return text


Release = Annotated[str, AfterValidator(_release)]
FullVersion = Annotated[str, AfterValidator(_full)]


class Fact(BaseModel):
    """Something that was published, where, and when it was read there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: _Text
    read: datetime.date


class Event(Fact):
    """A fact that holds from the day ``since`` on; ``announced`` is the day from which that was known, if before."""

    since: datetime.date
    announced: datetime.date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Event":
        if self.announced is not None and self.announced > self.since:
            raise ValueError("announced after it happened: leave announced out")
        return self

    def has_happened(self, day: datetime.date) -> bool:
        return day >= self.since

    def is_known(self, day: datetime.date) -> bool:
        """Whether on ``day`` it has happened, or was announced."""
        return day >= (self.announced or self.since)


class EndOfSupport(Event):
    """No patches any more for a release, as ``1.30``; or for a whole product, with what to do ``instead``."""

    product: _Text
    release: Release | None = None
    instead: _Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "EndOfSupport":
        if (self.release is None) is (self.instead is None):
            raise ValueError("either a release, or what to do instead of the whole product")
        return self

    def is_near(self, day: datetime.date) -> bool:
        """Whether on ``day`` it was known, and at most ``NOTICE`` away; a whole product's is reported at once."""
        return self.is_known(day) and (self.release is None or day >= self.since - NOTICE)

    def is_in_last_days(self, day: datetime.date) -> bool:
        return day >= self.since - LAST_DAYS


class RetiredHost(Event):
    """A host that ``product`` gives up, with a path if only that goes away, and where the same is served."""

    product: _Text
    host: _Text
    instead: _Text


class RetiredImages(Event):
    """Images that their registry does not serve any more: those whose full name begins with ``images``.

    ``versions`` is true if only the tags that are a version are gone; images called ``besides`` are still there.
    """

    images: _Text
    instead: _Text
    versions: bool = False
    besides: list[_Text] = []

    def has(self, name: str, tag: str) -> bool:
        if not name.startswith(f"{self.images}/") or name.removeprefix(f"{self.images}/") in self.besides:
            return False
        return not self.versions or tag[:1].isdecimal()


class MovedCharts(Event):
    """Charts that get no new versions in one repository, and do in another."""

    charts: list[_Text]
    repository: _Text
    instead: _Text


class DefaultHub(Fact):
    """A release that takes its images from ``hub`` unless it is told another one."""

    product: _Text
    release: Release
    hub: _Text


class FaultyRelease(Event):
    """The versions from ``first`` to ``last``, what is wrong with them, and what to take instead."""

    product: _Text
    first: FullVersion
    last: FullVersion
    fault: _Text
    instead: _Text

    def has(self, number: Version) -> bool:
        return (version(self.first) or number) <= number <= (version(self.last) or number)


class Change(Fact):
    """The first release that works differently from the ones before; a check asks for it by ``name``."""

    name: _Text
    product: _Text
    release: Release


class Current(Fact):
    """The version of a product to take where nothing else decides."""

    product: _Text
    version: FullVersion


class CatalogRelease(Fact):
    """The versions of products that a release of a package in an OLM catalog can install, the newest first."""

    catalog: Literal["redhat", "community", "operatorhub"]
    package: _Text
    release: _Text
    carries: Annotated[dict[_Text, list[_Text]], Field(min_length=1)]


class Lifecycle(BaseModel):
    """All of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ends_of_support: list[EndOfSupport]
    retired_hosts: list[RetiredHost]
    retired_images: list[RetiredImages]
    moved_charts: list[MovedCharts]
    default_hubs: list[DefaultHub]
    faulty_releases: list[FaultyRelease]
    changes: list[Change]
    current: list[Current]
    catalogs: list[CatalogRelease]

    def facts(self) -> Iterator[Fact]:
        for field in type(self).model_fields:
            yield from getattr(self, field)

    def last_read(self) -> datetime.date:
        return max(fact.read for fact in self.facts())

    def end_of_support(self, product: str, release: Minor | None) -> EndOfSupport | None:
        """When support of this release ends. One that is older than all that are listed ended with the oldest."""
        ends = {minor(end.release): end for end in self.ends_of_support if end.product == product}
        if None in ends or not ends:
            return ends.get(None)
        listed = [known for known in ends if known is not None]
        return None if release is None else ends.get(max(release, min(listed)))

    def current_version(self, product: str) -> str:
        """Raises ``StopIteration`` for a product of which none is recorded."""
        return next(one.version for one in self.current if one.product == product)

    def carried(self, package: str, release: str | None, product: str) -> list[str]:
        """The versions of ``product`` that a release of a package can install; of one that is not known, any can."""
        of_package = [one for one in self.catalogs if one.package == package]
        same = [one for one in of_package if minor(one.release) == minor(release)]
        return [version for one in same or of_package for version in one.carries.get(product, [])]

    def newest_in_catalog(self, catalog: str, product: str) -> str | None:
        """The newest version of ``product`` that any release in ``catalog`` can install."""
        releases = (one.carries.get(product, []) for one in self.catalogs if one.catalog == catalog)
        return max(chain.from_iterable(releases), key=_number, default=None)

    def is_in_newest(self, catalog: str, product: str, release: str) -> bool:
        """Whether the newest release of a package in ``catalog`` can install this version, or one of this release."""
        read: Callable[[str], Minor | Version | None] = version if version(release) else minor
        newest = {one.package: one for one in sorted(self.catalogs, key=_order) if one.catalog == catalog}
        return read(release) in {read(carried) for one in newest.values() for carried in one.carries.get(product, [])}

    def first_release(self, change: str) -> Minor:
        """The release that came with ``change``; raises ``StopIteration`` for a name that is not in the file."""
        release = next(one.release for one in self.changes if one.name == change)
        return minor(release) or (0, 0)


def _order(one: CatalogRelease) -> Version:
    return _number(one.release)


def _number(text: str) -> Version:
    """The number of a version or a release, to order them by."""
    return version(text) or (*(minor(text) or (0, 0)), 0)


def parse(text: str) -> Lifecycle:
    """Raises ``pydantic.ValidationError`` for a fact without a source or a day, and for anything else that is wrong."""
    return Lifecycle.model_validate(yaml.load(text, yaml.CSafeLoader))


@cache
def lifecycle() -> Lifecycle:
    """What was published, as far as it is recorded here."""
    return parse(resources.files("lint").joinpath("lifecycle.yaml").read_text(encoding="utf-8"))
