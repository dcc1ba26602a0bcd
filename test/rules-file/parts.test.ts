import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/rules-file/parse.ts'
import type { Loaded, Problems } from '../../src/rules-file/parse.ts'
import { joinParts, partsOf } from '../../src/rules-file/parts.ts'
import { depsWith, fileWith } from './deps.ts'

/** As parts arrive in another thread. */
const acrossThreads = (result: Loaded | Problems) => {
  const parts = [...partsOf(result)].map((part) => structuredClone(part))
  const join = joinParts(result.ok ? result.text : '')
  return { parts, answers: parts.map((part) => join(part)) }
}

const rule = (index: number, eventType = 'purchase') => ({
  id: `r-${index}`,
  match: { path: `/a/${index}` },
  actions: [{ type: 'fire_conversion_event', eventType }],
})
const rulesOf = (count: number, eventType?: string) =>
  Array.from({ length: count }, (_, index) => rule(index, eventType))

describe('what is taken apart is joined as it was', () => {
  test.each([0, 1, 200, 201, 450])('with %i rules', (count) => {
    const loaded = parseRules(fileWith({ site: { rules: rulesOf(count) } }), depsWith())
    expect(loaded.ok).toBe(true)
    const { parts, answers } = acrossThreads(loaded)
    expect(answers.at(-1)).toEqual(loaded)
    expect(answers.slice(0, -1).every((answer) => answer === null)).toBe(true)
    const sizes = parts.map((part) => (part.kind === 'rules' ? part.rules.length : 0))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count)
  })

  test('with two sites, each with its own rules', () => {
    const other = JSON.parse(fileWith({ site: { id: 'b', hosts: ['b.example'], rules: rulesOf(3) } })) as {
      sites: object[]
    }
    const both = JSON.parse(fileWith({ site: { rules: rulesOf(201) } })) as { sites: object[] }
    both.sites.push(...other.sites)
    const loaded = parseRules(JSON.stringify(both), depsWith())
    expect(loaded.ok).toBe(true)
    expect(acrossThreads(loaded).answers.at(-1)).toEqual(loaded)
  })

  test('with more warnings than fit one part', () => {
    const loaded = parseRules(fileWith({ site: { rules: rulesOf(300, 'purchas') } }), depsWith())
    expect(loaded.ok && loaded.warnings.length).toBe(300)
    expect(acrossThreads(loaded).answers.at(-1)).toEqual(loaded)
  })

  test('with every problem of a file that is refused', () => {
    const refused = parseRules(
      fileWith({ site: { rules: rulesOf(300).map((one) => ({ ...one, id: 'r' })) } }),
      depsWith(),
    )
    expect(!refused.ok && refused.problems.length).toBe(299)
    expect(acrossThreads(refused).answers.at(-1)).toEqual(refused)
  })
})
