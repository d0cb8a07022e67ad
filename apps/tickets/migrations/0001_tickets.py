import apps.core.clock
import django.db.models.deletion
from django.db import migrations, models

from apps.core.database import AppendOnly


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0022_adverts_elsewhere'),
        ('orders', '0004_each_index_once'),
        ('stores', '0023_business_calendars'),
    ]

    operations = [
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('refund', 'Refund'), ('return', 'Return'), ('exchange', 'Exchange'), ('repair', 'Repair'), ('complaint', 'Complaint'), ('question', 'Question')], max_length=10)),
                ('state', models.CharField(choices=[('new', 'New'), ('working', 'In work'), ('waiting', 'Waiting for the member'), ('offered', 'Offered to the member'), ('returning', 'Goods on their way back'), ('arrived', 'Goods arrived'), ('sending', 'On its way to the member'), ('resolved', 'Resolved'), ('closed', 'Closed'), ('withdrawn', 'Withdrawn'), ('merged', 'Merged into another')], default='new', max_length=10)),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'Urgent'), (2, 'Normal'), (3, 'Low')], default=2)),
                ('title', models.CharField(max_length=120)),
                ('channel', models.CharField(default='portal', max_length=20)),
                ('source', models.CharField(max_length=160, unique=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=apps.core.clock.now)),
                ('asked_at', models.DateTimeField(null=True)),
                ('first_reply_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('first_due_at', models.DateTimeField(null=True)),
                ('next_due_at', models.DateTimeField(null=True)),
                ('end_due_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('warned_due', models.DateTimeField(null=True)),
                ('missed_due', models.DateTimeField(null=True)),
                ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.staff')),
                ('into', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.ticket')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order')),
                ('store', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.store')),
            ],
            options={
                'verbose_name': 'ticket',
                'verbose_name_plural': 'tickets',
            },
        ),
        migrations.CreateModel(
            name='Pause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='pauses', to='tickets.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(max_length=10)),
                ('is_internal', models.BooleanField(default=False)),
                ('text', models.CharField(max_length=4000)),
                ('at', models.DateTimeField(default=apps.core.clock.now)),
                ('source', models.CharField(max_length=160, unique=True)),
                ('by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.staff')),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='tickets.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(max_length=20)),
                ('side', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stores.staff')),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='TicketLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_open', models.BooleanField(default=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.line')),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='tickets.ticket')),
            ],
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['due_at', 'id'], name='tickets_by_due'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['assignee', 'due_at', 'id'], name='tickets_of_staff'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['store', 'due_at', 'id'], name='tickets_of_store'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('ended_at__isnull', False)), fields=['-ended_at', '-id'], name='tickets_ended'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['member', '-id'], name='tickets_of_member'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state__in', ['arrived', 'new', 'offered', 'returning', 'sending', 'waiting', 'working'])), models.Q(models.Q(('state__in', ['arrived', 'new', 'offered', 'returning', 'sending', 'waiting', 'working']), _negated=True), ('due_at', None), ('ended_at__isnull', False)), _connector='OR'), name='tickets_ended_has_time'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('into__isnull', False), ('state', 'merged'), models.Q(('into', models.F('id')), _negated=True)), models.Q(models.Q(('state', 'merged'), _negated=True), ('into', None)), _connector='OR'), name='tickets_merged_has_target'),
        ),
        migrations.AddConstraint(
            model_name='pause',
            constraint=models.UniqueConstraint(fields=('ticket', 'began_at'), name='tickets_pause_once'),
        ),
        migrations.AddConstraint(
            model_name='pause',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('ticket',), name='tickets_one_pause_runs'),
        ),
        migrations.AddConstraint(
            model_name='pause',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('began_at')), _connector='OR'), name='tickets_pause_forward'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['ticket', 'id'], name='tickets_message_of_ticket'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('is_internal', False), models.Q(('side', 'member'), _negated=True), _connector='OR'), name='tickets_member_is_public'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['ticket', 'id'], name='tickets_entry_of_ticket'),
        ),
        migrations.AddConstraint(
            model_name='ticketline',
            constraint=models.UniqueConstraint(fields=('ticket', 'line'), name='tickets_line_once'),
        ),
        migrations.AddConstraint(
            model_name='ticketline',
            constraint=models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('line',), name='tickets_line_open_once'),
        ),
        AppendOnly("tickets_entry"),
    ]
