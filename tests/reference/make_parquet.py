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
