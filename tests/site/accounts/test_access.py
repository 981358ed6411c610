"""The table of permissions, who may give which role, and what is shown of a person."""

import pytest

from kundenkreis.site import access
from kundenkreis.site.access import PERMISSIONS, Role, Viewer, grantable_roles, may, permissions_of, seen_by
from kundenkreis.site.personal import UnknownFieldKindError, personal

pytestmark = pytest.mark.pure


def viewer(role: Role) -> Viewer:
    return Viewer(account_id=1, name="Ada", role=role, permissions=permissions_of(role))


def test_owner_may_everything_and_external_partner_sees_no_customer() -> None:
    assert permissions_of(Role.OWNER) == set(PERMISSIONS)
    assert permissions_of(Role.EXTERNAL_PARTNER) == {
        "start.see", "segments.see", "journeys.see", "content.see", "content.edit", "insights.see",
    }  # fmt: skip
    assert [name for name in permissions_of(Role.VIEWER) if not name.endswith(".see")] == []


@pytest.mark.parametrize(
    ("role", "grantable"),
    [
        (Role.OWNER, set(Role)),
        (Role.ADMIN, set(Role) - {Role.OWNER, Role.PRIVACY_OFFICER}),
        *((role, set()) for role in Role if role not in (Role.OWNER, Role.ADMIN)),
    ],
)
def test_nobody_grants_more_than_they_have_a41(role: Role, grantable: set[Role]) -> None:
    assert set(grantable_roles(role)) == grantable


def test_without_a_viewer_nothing_is_allowed() -> None:
    assert [name for name in PERMISSIONS if may(name)] == []
    with seen_by(viewer(Role.SALES)):
        assert may("customers.see", "personal.see")
        assert not may("customers.see", "journeys.edit")
    assert access.viewer() is None


def test_unknown_permission_is_a_bug_and_no_answer() -> None:
    with pytest.raises(access.UnknownPermissionError, match=r"customers\.fly"):
        may("customers.fly")


_VALUES = [
    ("Marie Brandt", "name", "M. B."),
    ("marie@example.com", "email", "m•••@•••"),
    ("+49 151 2345678", "phone", "••• 78"),
    ("12345", "phone", "•••"),
    ("Allergie", "sensitive", "•••"),
    ("<b>x</b>", "text", "•••"),
    ("", "email", ""),
    (None, "name", ""),
]


@pytest.mark.parametrize(("value", "field", "masked"), _VALUES)
def test_personal_values_are_masked_for_roles_without_the_permission(value: object, field: str, masked: str) -> None:
    whole = "" if value is None else str(value)
    assert personal(value, field) == masked
    for role, shown in ((Role.OWNER, whole), (Role.PRIVACY_OFFICER, whole), (Role.VIEWER, masked)):
        with seen_by(viewer(role)):
            assert personal(value, field) == shown
    with seen_by(viewer(Role.SALES)):
        assert personal(value, field) == (masked if field == "sensitive" else whole)


def test_unknown_kind_of_field_is_a_bug() -> None:
    with pytest.raises(UnknownFieldKindError):
        personal("x", "emial")
