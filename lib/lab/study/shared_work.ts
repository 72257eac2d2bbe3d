/** Work that several processes share: no piece is done by two at once, and all of it is done when any of them ends. @module */
import { lockFolder, lockIfFree, makeFolder } from "../../base/files.ts";

/**
 * Does pieces of work, each while it has the piece's folder. What another process has is left for last, and then waited
 * for: it may have been stopped in the midst.
 *
 * @param options.folderOf The folder that a piece is done in; `isDone` whether nothing is left to do of it; `work` does it.
 * @param options.waiting Told once a piece that another process has and that nothing else is left beside.
 */
export async function shareWork<Piece>(
  pieces: readonly Piece[],
  { folderOf, isDone, work, waiting }: {
    folderOf: (piece: Piece) => string;
    isDone: (piece: Piece) => Promise<boolean>;
    work: (piece: Piece) => Promise<void>;
    waiting: (piece: Piece) => void;
  },
): Promise<void> {
  const others: Piece[] = [];
  for (const piece of pieces) {
    if (await isDone(piece)) continue;
    await makeFolder(folderOf(piece));
    using lock = await lockIfFree(folderOf(piece));
    if (lock === null) others.push(piece);
    else if (!await isDone(piece)) await work(piece);
  }
  for (const piece of others) {
    using _lock = await lockFolder(folderOf(piece), { waiting: () => waiting(piece) });
    if (!await isDone(piece)) await work(piece);
  }
}
