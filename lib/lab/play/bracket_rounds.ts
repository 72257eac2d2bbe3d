import type { Bracket, Match } from "../../method/mod.ts";

/**
 * A bracket's matches by round, in the order of a drawing: beside a match stand the two that its sides come from,
 * whatever the order in which they were played.
 */
export function bracketRounds({ matches, winner }: Bracket): Match[][] {
  const rounds: Match[][] = [];
  let wanted = [winner];
  for (let round = Math.max(0, ...matches.map((match) => match.round)); round >= 1; round--) {
    const won = new Map(
      matches.filter((match) => match.round === round).map((match) => [match.winner, match]),
    );
    rounds.unshift(wanted.flatMap((one) => won.get(one) ?? []));
    // Who has no match in a round went through it without one.
    wanted = wanted.flatMap((one) => {
      const match = won.get(one);
      return match ? [match.first, match.second] : [one];
    });
  }
  return rounds;
}
