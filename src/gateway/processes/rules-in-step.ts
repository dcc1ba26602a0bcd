import type { Log } from '../../log.ts'
import type { Place } from './place.ts'
import type { RulesText } from './messages.ts'

/** Rules come into force in all processes or in none: first everybody reads them, then everybody goes by them. */
export interface RulesInStep {
  /** In force now: with these a new process begins. */
  readonly current: RulesText
  /** Rejects in words where a process could not read them; then the old ones stay everywhere. */
  putInForce(text: string): Promise<void>
  /** For whoever began with rules that have been replaced meanwhile. */
  bringUp(place: Place): void
}

export const createRulesInStep = (
  text: string,
  places: () => readonly Place[],
  log: Pick<Log, 'error'>,
): RulesInStep => {
  let current: RulesText = { version: 1, text }
  /** Versions that were refused are not used again. */
  let last = current.version

  const bring = async (place: Place): Promise<void> => {
    const rules = current
    if (!place.serving || place.version === rules.version) return
    const problem = await place.prepare(rules)
    if (problem === null) place.commit(rules.version)
    else {
      // Its successor begins with them, or says why it cannot.
      log.error({ process: place.name, problem }, 'a process cannot read the rules in force; it is replaced')
      place.replace()
    }
  }
  const bringUp = (place: Place): void => void bring(place)

  return {
    get current() {
      return current
    },
    putInForce: async (fresh) => {
      last += 1
      const rules: RulesText = { version: last, text: fresh }
      const all = places()
      const problems = await Promise.all(all.map((place) => place.prepare(rules)))
      const problem = problems.find((one) => one !== null)
      if (problem !== undefined) {
        for (const place of all) place.send({ kind: 'discard', version: rules.version })
        throw new Error(problem)
      }
      current = rules
      for (const place of all) place.commit(rules.version)
      for (const place of all) bringUp(place)
    },
    bringUp,
  }
}
