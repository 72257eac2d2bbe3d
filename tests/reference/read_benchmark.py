"""Reads a benchmark's files with FastChat's and AlpacaEval's own loaders and prints what they find as JSON.

    python tests/reference/read_benchmark.py fastchat RUN_FOLDER mt_bench
    python tests/reference/read_benchmark.py alpaca RUN_FOLDER

Needs fschat 0.2.36 (with openai, anthropic, psutil, torch, transformers below 5) and alpaca-eval 0.6.6 (with
setuptools below 80).
"""

import contextlib
import glob
import io
import json
import os
import sys


def fastchat(folder: str, bench: str) -> dict:
    from fastchat.llm_judge import common, gen_judgment, show_result

    home = f"{folder}/data/{bench}"
    questions = common.load_questions(f"{home}/question.jsonl", None, None)
    answers = common.load_model_answers(f"{home}/model_answer")
    references = common.load_model_answers(f"{home}/reference_answer")
    models = common.get_model_list(f"{home}/model_answer")
    common.check_data(questions, answers, references, models, {})
    matches = gen_judgment.make_match_single(
        questions, sorted(models), answers, common.Judge("j", {}), multi_turn=True
    )
    found = {
        "questions": len(questions),
        "answers": {model: len(answers[model]) for model in sorted(models)},
        "references": len(references["gpt-4"]),
        "two_turn_matches": len(matches),
        "first": answers[sorted(models)[0]][questions[0]["question_id"]]["choices"][0]["turns"],
    }

    class Args:
        bench_name, judge_model, model_list, baseline_model = bench, None, None, None

    def shown(work, file):
        Args.input_file = file
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            work(Args)
        return text.getvalue()

    for file in glob.glob(f"{home}/model_judgment/*_pair.jsonl"):
        judged = common.load_pairwise_model_judgments(file)
        found["pairs"] = {"/".join(judge): len(games) for judge, games in judged.items()}
        found["pair_table"] = shown(show_result.display_result_pairwise, file)
    for file in glob.glob(f"{home}/model_judgment/*_single.jsonl"):
        judged = common.load_single_model_judgments(file)
        found["single"] = {"/".join(judge): len(games) for judge, games in judged.items()}
        found["single_table"] = shown(show_result.display_result_single, file)
    return found


def alpaca(folder: str) -> dict:
    from alpaca_eval import metrics, utils

    [outputs] = glob.glob(f"{folder}/results/*/model_outputs.json")
    [references] = glob.glob(f"{folder}/results/*/reference_outputs.json")
    [annotations] = glob.glob(f"{folder}/results/*/*/annotations.json")
    outputs, references, annotations = map(
        utils.load_or_convert_to_dataframe, (outputs, references, annotations)
    )
    assert len(outputs.merge(references, on=["instruction", "dataset"])) == len(outputs)
    return {
        "outputs": len(outputs),
        "columns": sorted(outputs.columns),
        "generators": sorted(set(outputs["generator"]) | set(references["generator"])),
        "annotations": sorted(annotations.columns),
        "win_rate": metrics.get_winrate(annotations),
    }


if __name__ == "__main__":
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    kind, *rest = sys.argv[1:]
    print(json.dumps({"fastchat": fastchat, "alpaca": alpaca}[kind](*rest), default=float))
