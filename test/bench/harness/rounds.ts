/** Rounds in turn, A B C A B C: what drifts in the machine meanwhile hits all alike. */
export const inTurn = async <Who, T>(
  all: readonly Who[],
  rounds: number,
  measure: (who: Who, round: number) => Promise<T>,
): Promise<ReadonlyMap<Who, readonly T[]>> => {
  const results = new Map<Who, T[]>(all.map((who) => [who, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const who of all) results.get(who)?.push(await measure(who, round))
  return results
}
