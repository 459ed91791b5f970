"""Programs that a test runs in the page's container: a job into its queue, and what became of it."""

ADD = """
import json, sys
from pathlib import Path
from client.ui.store.database import Database
from client.ui.store.jobs import JobQueue
spec = {"input": sys.argv[1], "output": ".", "name": "result", "end": int(sys.argv[2]), "video": len(sys.argv) > 3}
print(JobQueue(Database(Path("/data/page.db"))).add("somebody", title="job", spec=json.dumps(spec)))
"""
LOOK = """
import sys
from pathlib import Path
from client.ui.store.database import Database
from client.ui.store.jobs import JobQueue
job = JobQueue(Database(Path("/data/page.db"))).get("somebody", sys.argv[1])
print(job.state, job.frames, job.attempt, job.error)
"""
