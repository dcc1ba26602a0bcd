import { compileMatcher } from '../../../src/capture/match.ts'
import { readMatchRequest } from '../../../src/capture/match-request.ts'
import { median } from '../harness/numbers.ts'
import { floatingRules, usualRules } from '../harness/rule-sets.ts'
import { host, visitor } from '../harness/wrk.ts'

/** What one request pays for the question which rules it matches, in ns. Run by `sections/rules.ts`; prints JSON. */

export interface MatchCost {
  readonly kind: 'usual' | 'floating'
  readonly rules: number
  readonly strangerNs: number
  readonly guestNs: number
  readonly compileMs: number
}

const turns = 20_000
const rounds = 15
const rawHeaders = Object.entries(visitor).flat()

const prepare = (kind: MatchCost['kind'], size: number) => {
  const set = (kind === 'usual' ? usualRules : floatingRules)(size)
  const site = { id: 'shop', hosts: [host], origin: 'http://127.0.0.1:1', rules: [...set.rules] }
  const begun = performance.now()
  const matcher = compileMatcher([site])
  const compileMs = performance.now() - begun

  const ask = (targets: readonly string[], expected: number): number => {
    const heads = targets.map((target) => ({ method: 'GET', target, rawHeaders }))
    let found = 0
    const started = process.hrtime.bigint()
    for (let turn = 0; turn < turns; turn += 1) {
      const request = readMatchRequest(
        heads[turn % heads.length] ?? { method: 'GET', target: '/', rawHeaders },
      )
      if (request !== null) found += matcher.site(request.host)?.candidates(request).length ?? 0
    }
    const took = Number(process.hrtime.bigint() - started)
    if (found !== turns * expected) throw new Error(`${found} candidates in place of ${turns * expected}`)
    return took / turns
  }
  const costs: { stranger: number[]; guest: number[] } = { stranger: [], guest: [] }
  return {
    round: () => {
      costs.stranger.push(ask(set.strangers, 0))
      costs.guest.push(ask(set.guests, size === 0 ? 0 : 1))
    },
    result: (): MatchCost => ({
      kind,
      rules: size,
      strangerNs: median(costs.stranger.slice(1)),
      guestNs: median(costs.guest.slice(1)),
      compileMs,
    }),
  }
}

const all = [
  ...[0, 10, 1_000, 10_000].map((size) => prepare('usual', size)),
  ...[10, 1_000, 10_000].map((size) => prepare('floating', size)),
]
for (let round = 0; round <= rounds; round += 1) for (const one of all) one.round()
process.stdout.write(JSON.stringify(all.map((one) => one.result())))
