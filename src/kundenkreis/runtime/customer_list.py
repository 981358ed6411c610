"""Filling the list of customers and their search terms from the states, once, where a store is older than these tables.

From then on the fold keeps them, in the transaction that writes the state (runtime/folding.py).
"""

from kundenkreis.customers.core.listing import line_of, listed, terms_of
from kundenkreis.customers.core.state import decode_state
from kundenkreis.runtime.stores.meta import read_meta, write_meta
from kundenkreis.runtime.stores.schema import CUSTOMER_LIST, SEARCH_TERMS
from kundenkreis.runtime.stores.session import Row, Session, Store

_FILLED = "customer_list"
"""Name in `meta`: up to which profile id the states were read; "all" when done."""
CHUNK = 2_000


def fill_customer_list(store: Store) -> None:
    """Fill what is missing; nothing to do on a store that began with these tables or was filled before."""
    while True:
        with store.transaction("list") as tx:
            done = read_meta(tx, _FILLED) or "-1"
            if done == "all":
                return
            last = _fill_chunk(tx, int(done))
            write_meta(tx, _FILLED, "all" if last is None else str(last))


def _fill_chunk(tx: Session, after: int) -> int | None:
    """The next states in order of profile id; the last of them, None when there are no more."""
    if tx.dialect == "postgres":
        tx.run("LOCK TABLE states IN SHARE MODE")  # a worker that renames somebody meanwhile comes after us
    found = tx.rows(
        "SELECT profile_id, state FROM states WHERE profile_id > ? ORDER BY profile_id LIMIT ?", (after, CHUNK)
    )
    lines: list[Row] = []
    terms: list[Row] = []
    for profile_id, data in found:
        one = listed(decode_state(bytes(data)))
        if one is not None:
            lines.append((profile_id, *line_of(one)))
            terms.extend((term, profile_id) for term in sorted(terms_of(one)))
    tx.insert(CUSTOMER_LIST, lines, conflict="ignore")
    tx.insert(SEARCH_TERMS, terms, conflict="ignore")
    return int(found[-1][0]) if found else None
