from django.urls import path

from apps.feedback.token_views import give

urlpatterns = [path("feedback/tokens/<uuid:token_id>", give)]
