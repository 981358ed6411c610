"""Whether the installation's secret is the one with which its data were made.

A restore that leaves `secret.key` behind would else begin with a new one: links in mails that are out (also those to unsubscribe) stop
working, nobody's second factor can be read, and whoever was erased is not recognised any more when a backup brings them back.
"""

from kundenkreis.kernel.errors import CallerError
from kundenkreis.runtime.stores.meta import claim_meta, read_meta, write_meta
from kundenkreis.runtime.stores.session import Store
from kundenkreis.settings import Settings, secret_key

SECRET_MARK = "secret_mark"
"""Name in `meta` of a hash of the secret; it reveals nothing of it."""
_MARK_DIGITS = 32


class SecretChangedError(CallerError):
    """The secret key is another one than that with which this installation's data were made; put it back from a copy."""

    code = "secret_changed"


def check_secret(store: Store, settings: Settings, *, accepts_new: bool = False) -> None:
    """Refuse another secret than the one that this store knows. One that knows none yet knows the present one from now on.

    Args:
        accepts_new: the old one is lost for good; from now on the store knows the present one.

    Raises:
        SecretChangedError: nothing was changed.
    """
    mark = secret_key(settings, "mark").hex()[:_MARK_DIGITS]
    with store.reading() as tx:
        known = read_meta(tx, SECRET_MARK)
    if known is None or (accepts_new and known != mark):
        with store.transaction("settings") as tx:
            if accepts_new:
                write_meta(tx, SECRET_MARK, mark)
            known = claim_meta(tx, SECRET_MARK, mark)
    if known != mark:
        path = str(settings.secret_path.absolute())
        raise SecretChangedError(
            f"{path} is another key than the one with which this installation's data were made (a restore without it, or another machine of "
            "the same installation, makes a new one). Put the old one in its place. If no copy is left: kreis serve --new-secret. Links in "
            "mails that are out, second factors and what is remembered of erased people are lost with it.",
            path=path,
        )
