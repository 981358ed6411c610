"""Answers that are kept for repeated requests."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds KeptAnswer."""

    dependencies = [("site", "0003_accounts")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("request_hash", models.BinaryField(max_length=32)),
                ("status", models.IntegerField(default=0)),
                ("content_type", models.CharField(default="", max_length=80)),
                ("etag", models.CharField(default="", max_length=40)),
                ("body", models.BinaryField(default=b"")),
                ("asked_at", models.DateTimeField(db_index=True)),
                ("account", models.ForeignKey(on_delete=models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "key"), name="kept_answer_once")],
            },
        ),
    ]
