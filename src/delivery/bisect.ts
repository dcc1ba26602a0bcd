import { halves } from './batches.ts'

/**
 * A batch was refused as a whole and nobody says for whose sake: finds the guilty by asking with parts of it.
 *
 * A refused part is halved; of its halves only the left one is asked. Was it taken, the guilt lies to the right, and nobody
 * needs to ask there again until a single one is left. Was it refused, nothing is known of the right half any more, and it
 * goes back to the rest, which is asked in one piece as long as few guilty were found, and later in pieces of the size that
 * is taken about every second time. One guilty among n costs at most log2(n) + 3 requests, the first one included.
 */

/** `taken`: all of it arrived. `refused`: as a whole, nothing of it arrived. `unknown`: dealt with, but it proves nothing. */
export type Verdict = 'taken' | 'refused' | 'unknown'

const few = 4

export const bisect = async <T>(
  refused: readonly T[],
  /** A part of one that is refused has been settled; so has all that is not refused. */
  ask: (part: readonly T[]) => Promise<Verdict>,
): Promise<void> => {
  let found = 0
  let taken = 0

  /** Down to one; answers what was set aside on the way. */
  const isolate = async (suspects: readonly T[]): Promise<readonly T[]> => {
    let suspect = suspects
    let aside: readonly T[] = []
    let inferred = false
    while (suspect.length > 1) {
      const [left, right] = halves(suspect)
      const verdict = await ask(left)
      if (verdict === 'unknown') return [...right, ...aside]
      if (verdict === 'taken') taken += left.length
      else aside = [...right, ...aside]
      inferred = verdict === 'taken'
      suspect = inferred ? right : left
    }
    // Nothing dies by inference: the platform may have refused the whole for another reason.
    if (inferred) await ask(suspect)
    found += 1
    return aside
  }

  const pieceSize = (rest: number): number =>
    found < few ? rest : Math.min(rest, Math.max(1, Math.round((Math.LN2 * (found + taken)) / found)))

  let rest = await isolate(refused)
  while (rest.length > 0) {
    const size = pieceSize(rest.length)
    const piece = rest.slice(0, size)
    rest = rest.slice(size)
    const verdict = await ask(piece)
    if (verdict === 'taken') taken += piece.length
    if (verdict !== 'refused') continue
    if (piece.length === 1) found += 1
    else rest = [...(await isolate(piece)), ...rest]
  }
}
