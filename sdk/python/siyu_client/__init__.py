"""Siyu for programs in Python 3.11 or newer, with nothing but the standard library.

from siyu_client import Siyu, SiyuError

siyu = Siyu("https://crm.example.com", key="sk_live_…")
siyu.members_post({"items": [{"member_no": "POS-1"}]})
"""

from siyu_client.client import Answer, SiyuError, Upload
from siyu_client.operations import Siyu

__all__ = ["Answer", "Siyu", "SiyuError", "Upload"]
