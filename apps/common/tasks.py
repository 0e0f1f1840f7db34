"""Background jobs that keep the house clean."""

from django.contrib.sessions.backends.db import SessionStore
from procrastinate import JobContext
from procrastinate.contrib.django import app

KEEP_FINISHED_HOURS = 24


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="forget_finished_jobs", pass_context=True)
async def forget_finished_jobs(context: JobContext, timestamp: int) -> None:
    """Failed jobs too: they are in the log, and nobody reads them here."""
    await context.app.job_manager.delete_old_jobs(
        KEEP_FINISHED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="resume_stalled_jobs", pass_context=True)
async def resume_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """A job whose worker was killed in the middle starts again, so every job must bear a second run."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


@app.periodic(cron="23 3 * * *")
@app.task(queueing_lock="forget_expired_sessions")
def forget_expired_sessions(timestamp: int) -> None:
    SessionStore.clear_expired()
