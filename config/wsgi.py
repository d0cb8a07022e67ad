"""HTTP door (granian, WSGI)."""

import os

from django.core.wsgi import get_wsgi_application

from apps.core.bodies import heard_out

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
application = heard_out(get_wsgi_application())
