"""The tables of `ledger.db`."""

from typing import Final

FILE_NAME: Final = "ledger.db"
STEPS: Final = (
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        unit TEXT NOT NULL CHECK (unit IN ('', '#tokens', '#calls')),
        cap INTEGER NOT NULL, -- of the latest request
        settled INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
        leased INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0) -- the sum of its leases
    ) STRICT;
    CREATE TABLE leases (
        owner TEXT NOT NULL,
        account INTEGER NOT NULL REFERENCES accounts,
        amount INTEGER NOT NULL CHECK (amount > 0),
        PRIMARY KEY (owner, account)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE owners (
        owner TEXT PRIMARY KEY,
        number INTEGER NOT NULL DEFAULT -1, -- of the last report that was booked
        buried_at_s REAL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE unsettled (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        at_s REAL NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('unknown', 'hung_up', 'crashed')),
        target TEXT NOT NULL,
        owner TEXT NOT NULL,
        decided_at_s REAL,
        decided_by TEXT,
        decided_why TEXT,
        CHECK ((decided_at_s IS NULL) = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_why IS NULL))
    ) STRICT;
    CREATE INDEX unsettled_waiting ON unsettled (number) WHERE decided_at_s IS NULL;
    CREATE TABLE charges (
        unsettled INTEGER NOT NULL REFERENCES unsettled,
        place INTEGER NOT NULL, -- among the charges of one
        account INTEGER NOT NULL REFERENCES accounts,
        amount INTEGER NOT NULL CHECK (amount >= 0),
        actual INTEGER CHECK (actual BETWEEN 0 AND amount), -- by the decision
        PRIMARY KEY (unsettled, place)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        at_s REAL NOT NULL,
        account INTEGER NOT NULL REFERENCES accounts,
        owner TEXT NOT NULL,
        kind TEXT NOT NULL
            CHECK (kind IN ('grant', 'give_back', 'settle', 'overrun', 'bury', 'doubt', 'reconcile')),
        amount INTEGER NOT NULL CHECK (amount >= 0),
        cap INTEGER NOT NULL, -- of the account, at this moment
        ref TEXT NOT NULL -- an unsettled charge's id, or a report's number
    ) STRICT;
    CREATE INDEX history_account ON history (account);
    CREATE TABLE shorts (
        account INTEGER NOT NULL REFERENCES accounts,
        owner TEXT NOT NULL, -- who came short of it while others had leases
        at_s REAL NOT NULL,
        PRIMARY KEY (account, owner)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE latest (id INTEGER PRIMARY KEY CHECK (id = 1), at_s REAL NOT NULL) STRICT; -- step, give or take 1 s
    INSERT INTO latest VALUES (1, 0.0);
    """,
)
