from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "apps.feedback"

    def ready(self) -> None:
        from apps.feedback import columns
        from apps.feedback.port import Port
        from apps.projects import ports

        ports.feedback = Port()
        columns.register()
