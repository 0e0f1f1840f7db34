from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "apps.feedback"

    def ready(self) -> None:
        from apps.feedback import columns
        from apps.feedback.port import Port
        from apps.feedback.queues.bulk import ACTION, RUN_ACTION
        from apps.projects import ports
        from apps.runs.table import bulk as runs
        from apps.threads.bulk import ACTIONS

        ports.feedback = Port()
        columns.register()
        # Before the last one, which deletes.
        ACTIONS.insert(-1, ACTION)
        runs.ACTIONS.insert(-1, RUN_ACTION)
