"""
What the trainer reads of stages without training: for each, the rows of its steps, its last whole checkpoint and the
lines that it keeps of its log, or the fault. Any Python will do.

  read_stages.py FOLDER-OF-TRAINER VOCABULARY STAGE/train.json ...
"""
import json
import sys

sys.path.insert(0, sys.argv[1])
from run_folder import Fault, RunFolder, Stopped, read_spec  # noqa: E402

found = []
for path in sys.argv[3:]:
    try:
        spec = read_spec(path)
        folder = RunFolder(spec, spec["workers"], int(sys.argv[2]))
        folder.wait(1, 5 if spec["idleSeconds"] < 5 else 0)
        folder.mend_log()
        found.append({"checkpoint": folder.checkpoint(), "microBatches": folder.micro_batches(1),
                      "rows": [folder.rows(step) for step in range(1, spec["steps"] + 1)]})
    except Fault as fault:
        found.append({"step": fault.step, "fault": str(fault)})
    except Stopped:
        found.append({"stopped": True})
print(json.dumps(found))
