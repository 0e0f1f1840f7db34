from datetime import datetime, timedelta

import pytest
from django.utils import timezone


@pytest.fixture
def now() -> datetime:
    return timezone.now() - timedelta(minutes=30)
