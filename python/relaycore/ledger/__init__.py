"""The ledger: who watched or published what and why, who changed what, and who was refused.

::

    Ledger         what a relay has (one thread writes, the loop never waits)
    ├── records    what is recorded, as types
    ├── store      the file: SQLite, one chain of hashes for each kind of record, one signed head for all
    ├── keys       the key that signs, and its public half
    ├── verify     finds what was edited, removed or inserted, with the public key alone
    ├── retention  deletes on time, and leaves a record that says so
    └── query      who, where, when
"""
