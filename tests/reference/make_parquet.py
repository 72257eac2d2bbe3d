"""Writes the parquet files of tests/preference_parquet_test.ts with pyarrow (26.0.1): python make_parquet.py"""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent / "parquet"
HERE.mkdir(exist_ok=True)


def turns(question, answer):
    return [{"content": question, "role": "user"}, {"content": answer, "role": "assistant"}]


def binarized(i):
    question = f"Is bread {i} cold? é"
    return {
        "prompt": question,
        "prompt_id": f"{i}",
        "chosen": turns(question, f"Yes {i}."),
        "rejected": turns(question, f"No {i}."),
        "messages": [],
        "score_chosen": 7.5,
        "score_rejected": 7.5 if i == 3 else 6.0,
    }


table = pa.Table.from_pylist([binarized(i) for i in range(6)])
for name in ["snappy", "zstd", "gzip", "brotli", "lz4", "none"]:
    pq.write_table(table, HERE / f"{name}.parquet", compression=name, row_group_size=4)
pq.write_table(
    table, HERE / "dictionary-v2.parquet", data_page_version="2.0", use_dictionary=True, version="2.6"
)
bad = [binarized(0), {**binarized(1), "chosen": None}, binarized(2)]
pq.write_table(pa.Table.from_pylist(bad), HERE / "bad-row.parquet")


def annotations(rating, rationale, why):
    helpful = {"Rating": rating, "Rationale": rationale, "Rationale For Rating": why, "Type": ["1"]}
    sure = "Sure." if rating == "5" else "Unsure."
    return {"helpfulness": helpful, "honesty": {"Rating": rating, "Rationale": sure}}


def completion(response, *rated):
    return {
        "annotations": annotations(*rated),
        "custom_system_prompt": "Be brief.",
        "response": response,
        "overall_score": 8.0,
        "fine-grained_score": 4.5,
    }


rows = [
    {
        "instruction": f"Why {i}?",
        "completions": [
            completion("Because.", "5", "Good.", "Clear."),
            completion("No.", "2", "Poor.", "Curt."),
            completion("Hm.", "N/A", "Odd.", None),
        ],
        "correct_answers": ["None"],
    }
    for i in range(2)
]
pq.write_table(pa.Table.from_pylist(rows), HERE / "ultrafeedback.parquet")


def rated(i):
    """A row as openbmb/UltraFeedback has them: three answers, rated by four principles."""
    words = ["red", "blue", "green", "a pear", "a fig", "the sky"]
    thing = words[i % len(words)]
    answers = [f"It is {thing}.", f"I guess {thing}", "No."]

    def completion(n):
        ratings = {"helpfulness": 5 - n, "honesty": 3 + (n + i) % 3 - 1, "instruction_following": 5 - 2 * n, "truthfulness": 4 - n}
        return {
            "model": f"model-{n}", "response": answers[n], "custom_system_prompt": "Be helpful and brief.",
            "annotations": {
                name: {"Rating": "N/A" if name == "truthfulness" and i % 7 == 0 else str(rating), "Rationale": f"Rated {rating}."}
                for name, rating in ratings.items()
            },
        }

    return {"source": "made up", "instruction": f"Say {thing}, number {i}.", "completions": [completion(n) for n in range(3)]}


forty = pa.Table.from_pylist([rated(i) for i in range(40)])
pq.write_table(forty, HERE / "ultrafeedback-forty.parquet", compression="zstd", row_group_size=16)
