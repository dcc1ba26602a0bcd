/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours, each of cost 1. */
export const distance = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

const longestWord = 100

/** The known word that somebody most likely meant; `null` when none is near enough to be worth a guess. */
export const nearest = (word: string, known: Iterable<string>): string | null => {
  if (word.length > longestWord) return null
  const written = word.toLowerCase()
  let best: string | null = null
  let bestCost = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const text = candidate.toLowerCase()
    // `attr` for `attribute`: far in letters, near in meaning.
    const begins =
      written.length > 2 && text.length > 2 && (text.startsWith(written) || written.startsWith(text))
    const cost = begins && text !== written ? 0.5 : distance(written, text)
    if (cost < bestCost) {
      best = candidate
      bestCost = cost
    }
  }
  return best
}

/** `; did you mean "path"?`, or nothing. */
export const suggestion = (word: string, known: Iterable<string>): string => {
  const meant = nearest(word, known)
  return meant === null ? '' : `; did you mean "${meant}"?`
}
