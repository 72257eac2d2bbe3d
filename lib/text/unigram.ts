/** The `model` of a `tokenizer.json` of type "Unigram", as its own fields are named. */
export interface UnigramModel {
  /** Pieces and their log-probabilities. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  readonly unk_id?: number | null;
  readonly byte_fallback?: boolean | null;
}

/** What a character that no piece covers costs beside the least probable piece. */
const UNKNOWN_PENALTY = 10;

/**
 * The unigram language model of sentencepiece (https://arxiv.org/abs/1804.10959): the pieces whose
 * probabilities have the largest product, the first of equals.
 *
 * That of `@huggingface/tokenizers` has no byte fallback.
 *
 * @returns Ids of a word; characters without a piece are their bytes, or one unknown token a run.
 */
export function unigram(
  { vocab, unk_id, byte_fallback }: UnigramModel,
): (word: string) => number[] {
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const longest = vocab.reduce((most, [piece]) => Math.max(most, piece.length), 0);
  const unknownScore = vocab.reduce((least, [, score]) => Math.min(least, score), Infinity) -
    UNKNOWN_PENALTY;
  const bytes = (text: string): number[] | undefined => {
    if (!byte_fallback) return undefined;
    const found = [...new TextEncoder().encode(text)].map((byte) =>
      ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`)
    );
    return found.some((id) => id === undefined) ? undefined : found as number[];
  };
  const idsOf = (piece: string): number[] => {
    const id = ids.get(piece);
    if (id !== undefined) return [id];
    return bytes(piece) ?? (unk_id == null ? [] : [unk_id]);
  };
  return (word) => {
    // At each place: the best way there, by where its last piece began; -1 for no way yet.
    const score = new Float64Array(word.length + 1);
    const from = new Int32Array(word.length + 1).fill(-1);
    const known = new Uint8Array(word.length + 1);
    const reach = (start: number, end: number, value: number, piece: boolean) => {
      const candidate = score[start] + value;
      if (from[end] >= 0 && candidate <= score[end]) return;
      [score[end], from[end], known[end]] = [candidate, start, Number(piece)];
    };
    for (let start = 0; start < word.length;) {
      const next = start + (word.codePointAt(start)! > 0xffff ? 2 : 1);
      let single = false;
      for (let end = next; end <= Math.min(word.length, start + longest); end++) {
        const id = ids.get(word.slice(start, end));
        if (id === undefined) continue;
        reach(start, end, vocab[id][1], id !== unk_id);
        single ||= end === next;
      }
      if (!single) reach(start, next, unknownScore, false);
      start = next;
    }
    const pieces: string[] = [];
    for (let end = word.length, run = false; end > 0; end = from[end]) {
      const piece = word.slice(from[end], end);
      if (run && !known[end]) pieces[pieces.length - 1] = piece + pieces.at(-1)!;
      else pieces.push(piece);
      run = !known[end];
    }
    return pieces.reverse().flatMap(idsOf);
  };
}
