/** Words in pictures: lines that fit a width. */
import { TEXT } from "../../show/style.ts";

/** Mean width of a letter in DejaVu Sans, the widest font of the family list, on lines of English. */
const LETTER = 0.55 * TEXT.tick;

/** Lines of a text that fit a width, as Plotly's markup: what looks like a tag must not become one. */
export function wrapped(text: string, width: number): string[] {
  const letters = Math.floor(width / LETTER);
  return text.trim().split("\n").flatMap((paragraph) => {
    const lines = [""];
    for (const word of paragraph.split(/\s+/).flatMap((word) => pieces(word, letters))) {
      const line = lines.at(-1)!;
      if (line === "") lines[lines.length - 1] = word;
      else if (line.length + 1 + word.length <= letters) lines[lines.length - 1] += ` ${word}`;
      else lines.push(word);
    }
    return lines;
  }).map((line) => line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
}

/** A word longer than a line, in pieces. */
const pieces = (word: string, letters: number): string[] =>
  word.match(new RegExp(`.{1,${letters}}`, "gsu")) ?? [];
