import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Membership, Role, User, Workspace
from tests.factories import MembershipFactory, UserFactory


def members_url(workspace: Workspace) -> str:
    return reverse("accounts:members", args=[workspace.pk])


def invite(client: Client, workspace: Workspace, email: str, role: str = Role.ANNOTATOR):
    return client.post(members_url(workspace), {"email": email, "role": role})


def link_in(response) -> str:
    return re.search(r"http://testserver(/accounts/password/key/[^<\s]+)", response.content.decode())[1]


def act(client: Client, name: str, membership: Membership, **data: str):
    return client.post(reverse(f"accounts:member_{name}", args=[membership.workspace_id, membership.pk]), data)


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def test_admin_sees_the_members(admin: Client, bob: User, workspace: Workspace):
    assert "bob@example.org" in admin.get(members_url(workspace)).content.decode()


def test_anonymous_must_sign_in(client: Client, workspace: Workspace):
    assert client.get(members_url(workspace)).url.startswith(reverse("account_login"))


def test_outsider_gets_404(client: Client, charlie: User, workspace: Workspace):
    client.force_login(charlie)
    assert client.get(members_url(workspace)).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR, Role.EDITOR])
def test_below_admin_is_403(client: Client, bob: User, workspace: Workspace, role: str):
    Membership.objects.filter(user=bob).update(role=role)
    client.force_login(bob)
    assert invite(client, workspace, "eve@example.org").status_code == 403
    assert not User.objects.filter(email="eve@example.org").exists()


def test_invited_person_sets_a_password_and_signs_in(admin: Client, workspace: Workspace):
    link = link_in(invite(admin, workspace, "Grace@Example.org"))
    grace = Client()
    form = grace.get(link).url
    grace.post(form, {"password1": "compiler 1952", "password2": "compiler 1952"})
    grace.post(reverse("account_login"), {"login": "grace@example.org", "password": "compiler 1952"})
    assert grace.get(reverse("projects:list", args=[workspace.pk])).status_code == 200
    assert membership_of(User.objects.get(email="grace@example.org")).role == Role.ANNOTATOR


def test_link_works_once(admin: Client, workspace: Workspace):
    link = link_in(invite(admin, workspace, "grace@example.org"))
    first, second = Client(), Client()
    first.post(first.get(link).url, {"password1": "compiler 1952", "password2": "compiler 1952"})
    assert "does not work any more" in second.get(link).content.decode()


def test_link_is_not_stored_by_browsers(admin: Client, workspace: Workspace):
    assert "no-store" in invite(admin, workspace, "grace@example.org")["Cache-Control"]


def test_person_with_a_password_gets_no_link(admin: Client, charlie: User, workspace: Workspace):
    text = invite(admin, workspace, "charlie@example.org").content.decode()
    assert "password they have" in text
    assert "/accounts/password/key/" not in text
    assert Membership.objects.filter(user=charlie, workspace=workspace).exists()


def test_new_link_is_never_made_for_a_person_with_a_password(admin: Client, bob: User):
    assert "/accounts/password/key/" not in act(admin, "link", membership_of(bob)).content.decode()


def test_new_link_replaces_a_lost_one(admin: Client, workspace: Workspace):
    invite(admin, workspace, "grace@example.org")
    link = link_in(act(admin, "link", Membership.objects.get(user__email="grace@example.org")))
    assert Client().get(link).status_code == 302


def test_inviting_a_member_again_keeps_the_role(admin: Client, bob: User, workspace: Workspace):
    invite(admin, workspace, "bob@example.org", Role.ADMIN)
    assert membership_of(bob).role == Role.VIEWER


def test_bad_address_is_refused(admin: Client, workspace: Workspace):
    assert "valid email" in invite(admin, workspace, "not an address").content.decode()


def test_htmx_gets_the_fresh_part_only(admin: Client, workspace: Workspace):
    response = admin.post(
        members_url(workspace),
        {"email": "grace@example.org", "role": Role.VIEWER},
        headers={"HX-Request": "true", "HX-Target": "members"},
    )
    assert link_in(response)
    assert "<html" not in response.content.decode()


def test_role_is_changed_and_written_down(admin: Client, bob: User, workspace: Workspace):
    assert act(admin, "role", membership_of(bob), role=Role.EDITOR).url == members_url(workspace)
    assert membership_of(bob).role == Role.EDITOR
    assert (AuditEntry.objects.get().action, AuditEntry.objects.get().target) == ("made editor", "bob@example.org")


def test_unknown_role_changes_nothing(admin: Client, bob: User):
    act(admin, "role", membership_of(bob), role="emperor")
    assert membership_of(bob).role == Role.VIEWER


def test_last_admin_cannot_be_demoted(admin: Client, alice: User, bob: User):
    response = admin.get(act(admin, "role", membership_of(alice), role=Role.EDITOR).url, follow=True)
    assert membership_of(alice).role == Role.ADMIN
    assert "needs an admin" in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_last_admin_cannot_be_removed(admin: Client, alice: User, bob: User):
    act(admin, "remove", membership_of(alice))
    assert membership_of(alice).role == Role.ADMIN


def test_one_of_two_admins_may_go(admin: Client, alice: User, workspace: Workspace):
    MembershipFactory.create(workspace=workspace, role=Role.ADMIN)
    assert act(admin, "remove", membership_of(alice)).url == "/"
    assert not Membership.objects.filter(user=alice).exists()


def test_admin_of_another_workspace_does_not_count(admin: Client, alice: User, charlie: User):
    act(admin, "role", membership_of(alice), role=Role.VIEWER)
    assert membership_of(alice).role == Role.ADMIN


def test_removed_member_is_out_at_once(admin: Client, bob: User, workspace: Workspace):
    act(admin, "remove", membership_of(bob))
    his = Client()
    his.force_login(bob)
    assert his.get(reverse("projects:list", args=[workspace.pk])).status_code == 404
    assert AuditEntry.objects.get().action == "removed member"


@pytest.mark.parametrize("name", ["role", "remove", "link"])
def test_member_of_another_workspace_is_404(admin: Client, charlie: User, workspace: Workspace, name: str):
    url = reverse(f"accounts:member_{name}", args=[workspace.pk, membership_of(charlie).pk])
    assert admin.post(url, {"role": Role.VIEWER}).status_code == 404
    assert membership_of(charlie).role == Role.ADMIN


@pytest.mark.parametrize("name", ["role", "remove", "link"])
def test_viewer_cannot_touch_members(client: Client, alice: User, bob: User, name: str):
    client.force_login(bob)
    assert act(client, name, membership_of(alice), role=Role.VIEWER).status_code == 403


def test_ten_members_cost_as_many_queries_as_twenty(admin: Client, workspace: Workspace, count_queries):
    MembershipFactory.create_batch(10, workspace=workspace)
    ten = count_queries(lambda: admin.get(members_url(workspace)))
    MembershipFactory.create_batch(10, workspace=workspace)
    assert count_queries(lambda: admin.get(members_url(workspace))) == ten


def test_switcher_lists_every_workspace_of_a_person(admin: Client, alice: User, workspace: Workspace):
    other = MembershipFactory.create(user=alice, workspace__name="Night shift").workspace
    text = admin.get(reverse("projects:list", args=[workspace.pk])).content.decode()
    assert reverse("projects:list", args=[other.pk]) in text


def test_switcher_hides_the_workspaces_of_others(admin: Client, charlie: User, workspace: Workspace):
    assert "Two" not in admin.get(reverse("projects:list", args=[workspace.pk])).content.decode()


def test_closed_account_cannot_come_in(client: Client, workspace: Workspace):
    UserFactory.create(email="gone@example.org", is_active=False)
    client.post(reverse("account_login"), {"login": "gone@example.org", "password": "correct horse"})
    assert "_auth_user_id" not in client.session
