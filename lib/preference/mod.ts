/** Preference pairs: the one type for them, readers of the files they come in, and the split by prompt. */
export { type Annotation, NO_PREFERENCE, readAnnotations, readItems } from "./alpaca.ts";
export { describeWarning, type FileWarning, FileWarnings } from "./file_warnings.ts";
export { type Row, stem } from "./lines.ts";
export { mildPairs } from "./mild.ts";
export { OneAnnotator } from "./one_annotator.ts";
export { type Pair, RECORD_USES, type RecordUse, validatePair } from "./pair.ts";
export { type Parsed, parseRecord, quote } from "./record.ts";
export { SAVED_TO_DISK } from "./bytes.ts";
export type { RatingOptions } from "./found.ts";
export {
  collectPairs,
  guessFormat,
  PAIR_FORMATS,
  type PairFormat,
  readPairs,
  readRows,
  unitOf,
} from "./read.ts";
export {
  type DataSource,
  readSources,
  type SourceCounts,
  type SourceRow,
  type SourceStream,
} from "./sources.ts";
export { promptKey, splitByPrompt, splitKey, type SplitOptions } from "./split.ts";
export {
  type BadLine,
  badLineError,
  describeBadLine,
  type PairStream,
  type ReadCounts,
  type ReadOptions,
  type RecordCounts,
  type RowStream,
  type TrainingRow,
} from "./stream.ts";
export {
  type Demonstration,
  demonstrationsIn,
  isPair,
  judgedPairsIn,
  promptsIn,
  type TrainingRecord,
  useOf,
} from "./training_record.ts";
