"""The databases that the tests themselves stand on."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

pytestmark = pytest.mark.django_db


def test_tests_run_as_the_role_of_the_application():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        role, database = cursor.fetchone()

    assert role == "siyu_app"
    assert database.startswith("test_")


@pytest.mark.django_db(transaction=True)
def test_a_committing_test_is_emptied_but_keeps_what_migrations_inserted():
    assert Permission.objects.exists()
