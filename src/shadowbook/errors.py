"""Everything that can go wrong, as one tree.

ShadowbookError
├── ConfigError              a setting, an argument or the workspace itself is wrong
├── DataError                data that cannot be used as it is
│   ├── SchemaError          columns, types or keys are not what was promised
│   ├── StaleDataError       the newest fact is too old for what is asked
│   └── LeakageError         something would see the future
├── InsufficientDataError    too little history for an answer
├── AdapterError             a vendor or the machine failed
│   ├── TransientError       may pass: the same call can be tried again
│   │   └── WorkspaceBusyError   another process holds the workspace
│   └── PermanentError       will not pass by itself
└── IntegrityError           a record contradicts another record

A bad outcome (a gate that failed, a challenger that lost) is a returned value, never one of these.
"""

from __future__ import annotations


class ShadowbookError(Exception):
    """Root of the tree; its message is one sentence: what is wrong, where, what to do."""


class ConfigError(ShadowbookError):
    """A setting, an argument or the workspace itself is wrong."""


class DataError(ShadowbookError):
    """Data that cannot be used as it is."""


class SchemaError(DataError):
    """Columns, types or keys are not what was promised."""


class StaleDataError(DataError):
    """The newest fact is too old for what is asked."""


class LeakageError(DataError):
    """Something would see the future."""


class InsufficientDataError(ShadowbookError):
    """Too little history for an answer."""


class AdapterError(ShadowbookError):
    """A vendor or the machine failed; the cause is chained."""


class TransientError(AdapterError):
    """May pass: the same call can be tried again."""


class WorkspaceBusyError(TransientError):
    """Another process holds the workspace."""


class PermanentError(AdapterError):
    """Will not pass by itself."""


class IntegrityError(ShadowbookError):
    """A record contradicts another record."""
