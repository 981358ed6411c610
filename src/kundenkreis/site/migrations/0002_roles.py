"""Accounts have a role; whoever had the console so far is the owner."""

from django.db import migrations, models


def _console_is_owner(apps, schema_editor):  # type: ignore[no-untyped-def] # Django's own shape
    apps.get_model("site", "Account").objects.filter(username="console").update(role="owner")


class Migration(migrations.Migration):
    dependencies = [("site", "0001_initial")]

    operations = [
        migrations.AddField("account", "role", models.CharField(default="viewer", max_length=24)),
        migrations.AddField("account", "name", models.CharField(blank=True, default="", max_length=120)),
        migrations.AddField("account", "session_epoch", models.IntegerField(default=0)),
        migrations.RunPython(_console_is_owner, migrations.RunPython.noop),
    ]
