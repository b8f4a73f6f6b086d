"""The pipeline inside an application's own process, as all event loops of one client share it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall.assembly.build import NOTHING_OFF, House
from seawall.assembly.entry import Entry
from seawall.client.dated_policy import DatedPolicy
from seawall.client.far_purse import FarPurse, FarTill
from seawall.client.journal import Journals, ProcessJournal
from seawall.client.spending import Spending
from seawall.core.error import PolicyError
from seawall.core.principal import Principal
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.dispatch import Outlet
from seawall.policy.plan import CompiledPolicy
from seawall.ports.clock import Clock
from seawall.ports.journal import Journal
from seawall.stores.files.switches import SwitchFile
from seawall.stores.memory.answers import MemoryAnswers
from seawall.telemetry.journal.pepper import PEPPER_BYTES, UserHasher, read_pepper
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.monitor import Monitor
from seawall.telemetry.scrub import Scrubber
from seawall.upstreams.choose import open_upstream
from seawall.upstreams.provider_head import ProviderHeads
from seawall.upstreams.reply_head import passed_on
from seawall.upstreams.settings import UpstreamSettings


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """What a client is made of. `guest` is who asks; its default route is taken where a path names none.

    Without `state_dir` no record is kept, nothing can be switched off, and caps are the client's own; `monitor` sees
    every call in either case.
    """

    policy: Path
    guest: Principal
    environment: Mapping[str, str]
    state_dir: Path | None = None
    monitor: Monitor | None = None


class Embedded:
    """Hold the policy, the journal and the spending of one client; safe from any thread.

    Raises:
        PolicyError: the policy cannot be used, a provider's key is missing, or the policy has no such route.
        Unavailable: the state directory cannot be used.
    """

    def __init__(self, settings: EmbeddedSettings, clock: Clock) -> None:
        self.clock = clock
        self.scrubber = Scrubber()
        self._settings = settings
        self._dated = DatedPolicy(settings.policy, settings.environment, clock)
        policy = self._dated.today()
        route = settings.guest.default_route
        if route and route not in policy.plans:
            raise PolicyError(f"{policy.source}: found no route {route!r}, expected one of {', '.join(policy.plans)}")
        open_upstream(UpstreamSettings(), settings.environment)  # a proxy that cannot be used fails now and not later
        self._known: CompiledPolicy | None = None
        self._on_disk: ProcessJournal | None = None
        pepper = secrets.token_bytes(PEPPER_BYTES)  # nobody could ever look a hash up that is not kept
        if settings.state_dir is not None:
            pepper = read_pepper(settings.state_dir)
            self._on_disk = ProcessJournal(settings.state_dir, self.scrubber, clock)
        journals: tuple[Journal | None, ...] = (self._on_disk, settings.monitor)
        self._hash_person = UserHasher(pepper).hash
        self._guard = JournalGuard(
            Journals(tuple(journal for journal in journals if journal is not None)),
            JournalSettings(self._hash_person, self._tidy),
        )
        self._spending = Spending(settings.state_dir, clock)

    def policy(self) -> CompiledPolicy:
        """Give the policy of today; its keys are known to the scrubber before anybody can use them."""
        policy = self._dated.today()
        if policy is not self._known:
            self.scrubber.learn([p.api_key for p in policy.providers.values() if p.api_key is not None])
            if self._on_disk is not None:
                self._on_disk.keep(Keep(policy.journal.keep_metadata_days, policy.journal.keep_bodies_days))
            self._known = policy
        return policy

    def switches(self) -> SwitchFile | None:
        """Give a view of the kill switch for one event loop, fresh from its file; None without a state directory."""
        state_dir = self._settings.state_dir
        return None if state_dir is None else SwitchFile(state_dir, self.clock.wall_s)

    def house(self, switches: SwitchFile | None) -> House:
        """Open connections for the running event loop, and what its calls share; whoever asked closes the former.

        Answers under idempotency keys are kept in memory: a store on disk wants a thread and a heartbeat, which a
        client that was forgotten would leave behind.

        Raises:
            PolicyError: the environment's proxies cannot be used.
        """
        return House(
            self._guard,
            Outlet(open_upstream(UpstreamSettings(), self._settings.environment), ProviderHeads(), passed_on),
            NOTHING_OFF if switches is None else switches,
            KeysInUse(MemoryAnswers(), self.clock, self.scrubber.scrub),
            purse=FarPurse(self._spending, self.clock.wall_s),
            till=FarTill(self._spending),
            hash_person=self._hash_person,
        )

    def entry(self, policy: CompiledPolicy, house: House) -> Entry:
        """Assemble the pipelines; inside a process nobody shows a key, and everybody is the guest."""
        return Entry(policy, house, None, self._settings.guest)

    def close(self) -> None:
        """Give back what was leased, write the records that wait, and stop; closing twice is fine."""
        self._spending.close()
        if self._on_disk is not None:
            self._on_disk.close()

    def _tidy(self, text: str) -> str:
        return "[secret]" if self.scrubber.is_dirty(text) else text
