"""
The trainer on one stage after the other in one process, since torch and TRL take long to import. The last line of the
output has the exit codes.

  [torchrun --nproc-per-node 2] trainer_stages.py FOLDER-OF-TRAINER STAGE/train.json ...
"""
import json
import sys

sys.path.insert(0, sys.argv[1])
import trainer  # noqa: E402

codes = []
for path in sys.argv[2:]:
    sys.argv = ["trainer.py", path]
    try:
        trainer.main()
        codes.append(0)
    except SystemExit as end:
        codes.append(end.code)
print(json.dumps(codes), flush=True)
