from django.apps import AppConfig


class ThreadsConfig(AppConfig):
    name = "apps.threads"

    def ready(self) -> None:
        from apps.projects import ports
        from apps.threads.retention import count

        ports.outdated = count
