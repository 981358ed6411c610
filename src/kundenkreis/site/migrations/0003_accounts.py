"""Invitations, API keys and the audit log, which the database itself keeps from being changed."""

from django.conf import settings
from django.db import migrations, models

_SQLITE = """
CREATE TRIGGER audit_append_only BEFORE UPDATE ON site_auditentry
BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END
"""
_POSTGRES = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append only'; END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE ON site_auditentry EXECUTE FUNCTION audit_append_only()
"""


def _refuse_updates(apps, schema_editor):  # type: ignore[no-untyped-def] # Django's own shape
    schema_editor.execute(_POSTGRES if schema_editor.connection.vendor == "postgresql" else _SQLITE, params=None)


class Migration(migrations.Migration):
    dependencies = [("site", "0002_roles")]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("email", models.EmailField(max_length=254)),
                ("role", models.CharField(max_length=24)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(null=True, on_delete=models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("prefix", models.CharField(max_length=20)),
                ("key_hash", models.BinaryField(max_length=32, unique=True)),
                ("scopes", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("account", models.ForeignKey(on_delete=models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(max_length=254)),
                ("action", models.CharField(max_length=40)),
                ("object_kind", models.CharField(max_length=40)),
                ("object_id", models.CharField(max_length=200)),
                ("details", models.JSONField(default=dict)),
                ("address", models.CharField(max_length=45)),
                ("once", models.CharField(max_length=64, null=True, unique=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["actor_id", "id"], name="audit_actor"),
                    models.Index(fields=["action", "id"], name="audit_action"),
                    models.Index(fields=["object_kind", "object_id", "id"], name="audit_object"),
                    models.Index(fields=["at"], name="audit_at"),
                ],
            },
        ),
        migrations.RunPython(_refuse_updates, migrations.RunPython.noop),
    ]
