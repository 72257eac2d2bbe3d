import type { TreePaths } from "../tensor/mod.ts";
import { type Batch, rightPadded } from "./batch.ts";

/** Of what remains behind the prefix of all sequences, the part that two must share to be kept together. */
const KIN = 1 / 4;
/** A tree is used where it computes at most this part of the padded rows' tokens: its gathers cost some 4 %. */
const WORTH = 0.9;
/** Most path positions, whose keys and values are gathered, per token of the budget. */
const PATHS = 4;

/** Sequences that go through the model at once, those that begin alike sharing positions where it pays. */
export interface SharedBatch {
  readonly batch: Batch;
  /** Indices of the sequences. */
  readonly members: readonly number[];
  /** The row of the hidden states, (B * T) or (N), of a column of the nth member. */
  row(nth: number, column: number): number;
}

/**
 * Sequences in batches of at most `budget` tokens. Sequences that share a long prefix come together, and each batch of
 * them becomes a prefix tree: a position that several share, with all before it, is computed once. A judge's
 * prompts of one dialogue share the dialogue, those of one first answer the answer too, those of several principles
 * all but the question. A tree needs no padding either. Where it would compute hardly less, the batch is a rectangle of
 * padded rows.
 *
 * @param budget Tokens of a batch, padding included: rows x longest row. A tree's rows are the pieces that it computes,
 *   and their paths are at most 4 x `budget` positions long together. A single sequence may be longer.
 */
export function* sharedBatches(
  sequences: readonly (readonly number[])[],
  budget: number,
): Generator<SharedBatch> {
  const order = lexicographic(sequences);
  const rank = new Int32Array(sequences.length);
  order.forEach((i, nth) => rank[i] = nth);
  const planOf = (members: readonly number[]) => plan(members.map((i) => sequences[i]));
  const fits = (members: readonly number[]) => {
    const { size, paths } = planOf(members);
    return size <= budget && paths <= PATHS * budget;
  };

  let members: number[] = [];
  const batch = (): SharedBatch => {
    const rows = members.map((i) => sequences[i]);
    const planned = plan(rows);
    return { members, ...(planned.tree ? asTree(rows, planned.tree) : asRectangle(rows)) };
  };
  const joined = (more: readonly number[]) =>
    [...members, ...more].sort((a, b) => rank[a] - rank[b]);
  for (const group of kin(sequences, order)) {
    // A group stays whole if it can: a prefix in two batches is computed twice.
    const parts = fits(joined(group)) || fits(group) ? [group] : group.map((i) => [i]);
    for (const part of parts) {
      const more = joined(part);
      if (members.length === 0 || fits(more)) members = more;
      else {
        yield batch();
        members = [...part];
      }
    }
  }
  if (members.length > 0) yield batch();
}

/** Indices in the order of a dictionary of token ids: neighbours share the longest prefixes. */
function lexicographic(sequences: readonly (readonly number[])[]): number[] {
  return sequences.map((_, i) => i).sort((i, j) => {
    const [a, b] = [sequences[i], sequences[j]];
    const at = commonPrefix(a, b);
    return (a[at] ?? -1) - (b[at] ?? -1) || i - j;
  });
}

/** Tokens that two sequences begin with alike. */
function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let t = 0;
  while (t < end && a[t] === b[t]) t++;
  return t;
}

/** Neighbours in `order` that share much, the shortest groups first, so that the lengths of a batch are alike. */
function kin(sequences: readonly (readonly number[])[], order: readonly number[]): number[][] {
  if (order.length === 0) return [];
  const all = commonPrefix(sequences[order[0]], sequences[order.at(-1)!]);
  const groups: { members: number[]; longest: number }[] = [];
  order.forEach((i, nth) => {
    const ids = sequences[i];
    const before = sequences[order[nth - 1]] ?? [];
    const own = commonPrefix(before, ids) - all;
    if (nth > 0 && own > 0 && own >= KIN * (Math.min(before.length, ids.length) - all)) {
      const group = groups.at(-1)!;
      group.members.push(i);
      group.longest = Math.max(group.longest, ids.length);
    } else groups.push({ members: [i], longest: ids.length });
  });
  return groups.sort((a, b) => a.longest - b.longest || a.members[0] - b.members[0])
    .map(({ members }) => members);
}

/** How a tree's sequences are cut: what each adds to those before it, in rows of `width`. */
interface Cut {
  /** Tokens that each sequence has in common with the one before. */
  readonly shared: readonly number[];
  readonly rows: number;
  readonly width: number;
}

/** What sequences in lexicographic order take: as a tree if it pays, else as a rectangle. */
function plan(rows: readonly (readonly number[])[]): { size: number; paths: number; tree?: Cut } {
  const depth = Math.max(...rows.map((ids) => ids.length));
  const shared = rows.map((ids, nth) => nth === 0 ? 0 : commonPrefix(rows[nth - 1], ids));
  const own = rows.map((ids, nth) => ids.length - shared[nth]);
  const nodes = own.reduce((sum, n) => sum + n, 0);
  if (nodes > WORTH * rows.length * depth) return { size: rows.length * depth, paths: 0 };
  const tree = { shared, ...rowsOf(own) };
  return { size: tree.rows * tree.width, paths: tree.rows * depth, tree };
}

/** Pieces of the given lengths in rows of one width, so that little is filled up and rows are not many. */
function rowsOf(pieces: readonly number[]): { rows: number; width: number } {
  const longest = Math.max(...pieces);
  const widths = new Set([...pieces, ...[2, 3, 4].map((parts) => Math.ceil(longest / parts))]);
  const cut = [...widths].filter((width) => width > 0).map((width) => ({
    width,
    rows: pieces.reduce((sum, n) => sum + Math.ceil(n / width), 0),
  }));
  // A row reads its whole path, whose keys and values are gathered: worth some 32 of its positions.
  const cost = ({ rows, width }: { rows: number; width: number }) => rows * (width + 32);
  return cut.reduce((best, next) => cost(next) < cost(best) ? next : best);
}

function asRectangle(rows: readonly (readonly number[])[]): Omit<SharedBatch, "members"> {
  const batch = rightPadded(rows, 0);
  return { batch, row: (nth, column) => nth * batch.length + column };
}

function asTree(
  sequences: readonly (readonly number[])[],
  { shared, rows, width }: Cut,
): Omit<SharedBatch, "members"> {
  const depth = Math.max(...sequences.map((ids) => ids.length));
  const ids: number[] = [];
  const positions: number[] = [];
  const nodes = new Int32Array(rows * width);
  const paths = new Int32Array(rows * depth);
  const pathOf: Int32Array[] = [];
  let row = 0;
  sequences.forEach((sequence, nth) => {
    const path = new Int32Array(sequence.length);
    if (nth > 0) path.set(pathOf[nth - 1].subarray(0, shared[nth]));
    pathOf.push(path);
    for (let from = shared[nth]; from < sequence.length; from += width, row++) {
      const to = Math.min(from + width, sequence.length);
      for (let t = from; t < to; t++) {
        path[t] = ids.push(sequence[t]) - 1;
        positions.push(t);
      }
      nodes.set(path.subarray(from, to), row * width);
      paths.set(path.subarray(0, to), row * depth);
    }
  });
  const tree: TreePaths = { rows, width, depth, nodes, paths };
  const batch: Batch = {
    size: 1,
    length: ids.length,
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    mask: null,
    tree,
  };
  return { batch, row: (nth, column) => pathOf[nth][column] };
}
