"""Every index is paid for by each write: none may say again what a longer one of the same table says."""

import pytest
from django.apps import apps
from django.db import connection

# A plain index whose columns are the first ones of another: the same look-ups, twice the work. Partial ones stand apart.
REPEATED = """
select a.indrelid::regclass::text, a.indexrelid::regclass::text, b.indexrelid::regclass::text
from pg_index a join pg_index b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid
join pg_class ca on ca.oid = a.indexrelid join pg_class cb on cb.oid = b.indexrelid
where not a.indisunique and a.indpred is null and b.indpred is null and a.indexprs is null and b.indexprs is null
  and ca.relam = cb.relam and a.indclass[0] = b.indclass[0] and b.indkey::text || ' ' like a.indkey::text || ' %'
  and (a.indkey::text <> b.indkey::text or b.indisunique or a.indexrelid < b.indexrelid)
"""


@pytest.mark.django_db
def test_no_index_repeats_the_beginning_of_another():
    ours = {model._meta.db_table for model in apps.get_models() if model.__module__.startswith("apps.")}
    with connection.cursor() as cursor:
        cursor.execute(REPEATED)
        repeated = [row for row in cursor.fetchall() if row[0] in ours]

    assert repeated == []
